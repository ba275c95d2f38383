"""The HTTP application: routes, the rate limit, the headers of every answer, errors to the wire."""

import logging
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from crypt_core import ids
from crypt_core.errors import ApiError, MethodNotAllowed, RateLimited, RouteNotFound, SettingsError
from crypt_core.handlers import MessageHandlers
from crypt_core.http import Request, Response, json_response
from crypt_core.operations import OperationHandlers
from crypt_core.rate_limiter import Admission, RateLimiter
from crypt_core.settings import Settings
from crypt_core.store import Store

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
Methods = Mapping[str, Handler]

COMMON_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Expose-Headers": "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""On every answer, errors too."""

PREFLIGHT_MAX_AGE = 86_400
"""Seconds that a browser may remember what is allowed; none keeps it longer than a day."""


class App:
    """Answers requests; the same one in the Worker and on a server."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        limiter: RateLimiter | None = None,
        extra_routes: Mapping[str, Handler] | None = None,
        new_id: Callable[[int], str] = ids.generate,
    ) -> None:
        """Build the routes.

        Args:
            store: Where messages lie.
            settings: What the operator chose.
            limiter: Counts the requests for messages; without one, nothing is counted.
            extra_routes: Handlers of `GET` that only one home has, by path.
            new_id: Draws an id of a length.
        """
        messages = MessageHandlers(store, settings, new_id)
        operations = OperationHandlers(store, settings)
        self._limiter = limiter
        self._routes: dict[str, Methods] = {
            "/": {"GET": operations.home, "HEAD": operations.home, "POST": messages.create},
            "/{id}": {"GET": messages.read, "DELETE": messages.destroy},
            "/{sealed id}": {"GET": messages.read, "PUT": messages.put, "DELETE": messages.destroy},
            "/{id}/status": {"GET": messages.status},
            "/{id}/reveal": {"POST": messages.reveal},
        }
        unlimited = {
            "/-/health": operations.health,
            "/-/ready": operations.ready,
            "/-/openapi.json": operations.openapi,
            **(extra_routes or {}),
        }
        self._unlimited: set[Handler] = {operations.home, *unlimited.values()}
        for path, handler in unlimited.items():
            self._routes[path] = {"GET": handler, "HEAD": handler}

    async def handle(self, request: Request) -> Response:
        """Answer `request`. Raises nothing: what went wrong is in the answer, and in the log if it is ours."""
        return _with_common_headers(await _caught(self._dispatch(request)))

    def route(self, path: str) -> str:
        """The path as the routes write it, ids taken out; empty when it fits none of them."""
        if path in self._routes:
            return path
        match path.split("/")[1:]:
            case [text]:
                return "/{sealed id}" if ids.is_sealed(text) else "/{id}"
            case [_, "status" | "reveal" as view]:
                return f"/{{id}}/{view}"
            case _:
                return ""

    async def _dispatch(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(204, headers={"Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE)})
        methods = self._routes.get(self.route(request.path))
        if methods is None:
            raise RouteNotFound
        handler = methods.get(request.method)
        if handler is None:
            raise MethodNotAllowed((*methods, "OPTIONS"))
        if self._limiter is None or handler in self._unlimited:
            return await handler(request)
        admission = await self._limiter.admit(request.client)
        if admission.admitted:
            response = await _caught(handler(request))
        else:
            response = _error_response(RateLimited(math.ceil(admission.reset)))
        return replace(response, headers=_rate_limit_headers(admission) | response.headers)


def answer_error(error: Exception) -> Response:
    """The answer to a request that did not even reach an `App`."""
    return _with_common_headers(_error_response(error))


async def _caught(response: Awaitable[Response]) -> Response:
    try:
        return await response
    except Exception as error:  # noqa: BLE001
        return _error_response(error)


def _error_response(error: Exception) -> Response:
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
    return json_response(error.status, error.body, error.headers)


def _with_common_headers(response: Response) -> Response:
    return replace(response, headers=COMMON_HEADERS | response.headers)


def _rate_limit_headers(admission: Admission) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-10 has them: a policy, and what is left of it."""
    return {
        "RateLimit-Policy": f'"default";q={admission.limit};w={math.ceil(admission.window)}',
        "RateLimit": f'"default";r={admission.remaining};t={math.ceil(admission.reset)}',
    }
