"""The HTTP application: routes, the rate limit, the headers of every answer, errors to the wire."""

import logging
import math
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace

from crypt_core.errors import ApiError, MethodNotAllowed, RateLimited, RouteNotFound, SettingsError
from crypt_core.handlers import Handlers
from crypt_core.http import Request, Response, json_response
from crypt_core.rate_limiter import RateLimiter

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]

COMMON_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""On every answer, errors too."""


class App:
    """Answers requests; the same one in the Worker and on a server."""

    def __init__(self, handlers: Handlers, limiter: RateLimiter | None) -> None:
        """`limiter` counts the requests for messages; without one, nothing is counted."""
        self._limiter = limiter
        self._limited: set[Handler] = {handlers.create, handlers.read}
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": handlers.help, "HEAD": handlers.help, "POST": handlers.create},
            "/{id}": {"GET": handlers.read},
        }

    async def handle(self, request: Request) -> Response:
        """Answer `request`. Raises nothing: what went wrong is in the answer, and in the log if it is ours."""
        try:
            response = await self._dispatch(request)
        except Exception as error:  # noqa: BLE001
            return answer_error(error)
        return _with_common_headers(response)

    async def _dispatch(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(204)
        route = self._routes.get(route_template(request.path))
        if route is None:
            raise RouteNotFound
        handler = route.get(request.method)
        if handler is None:
            raise MethodNotAllowed((*route, "OPTIONS"))
        if self._limiter is not None and handler in self._limited:
            wait = await self._limiter.admit(request.client)
            if wait > 0:
                raise RateLimited(math.ceil(wait))
        return await handler(request)


def answer_error(error: Exception) -> Response:
    """Say on the wire what went wrong, and in the log what is ours to mend."""
    if not isinstance(error, ApiError):
        if isinstance(error, SettingsError):
            logger.error("%s", error)
        else:
            # Only where it happened: the text of an unforeseen exception may quote what it choked on.
            logger.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        error = ApiError()
    elif error.status >= 500:  # noqa: PLR2004
        logger.warning("%s: %s", type(error).__name__, error)
    return _with_common_headers(json_response(error.status, {"error": error.text}, error.headers))


def _with_common_headers(response: Response) -> Response:
    return replace(response, headers=COMMON_HEADERS | response.headers)


def route_template(path: str) -> str:
    """The path as the routes write it, ids taken out; empty when it fits none of them."""
    if path == "/":
        return path
    return "/{id}" if path.startswith("/") and "/" not in path[1:] else ""
