"""The HTTP application: finds the route, applies the rate limit, calls the handler, and turns errors into responses."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from crypt_core import ids
from crypt_core.http.body import refuse_partial_body
from crypt_core.http.body_hints import text_hint
from crypt_core.http.damaged_links import without_slashes
from crypt_core.http.errors import (
    MethodNotAllowed,
    PreconditionFailed,
    RateLimited,
    RouteNotFound,
    api_error,
    api_error_response,
)
from crypt_core.http.handlers import MessageHandlers
from crypt_core.http.headers import COMMON_HEADERS, PREFLIGHT_HEADERS, rate_limit_headers
from crypt_core.http.negotiation import is_for_terminal, is_navigation
from crypt_core.http.page_texts import LANGUAGES
from crypt_core.http.pages import LOGO_PATH, STYLE_PATH, Pages
from crypt_core.http.part_handlers import PartHandlers
from crypt_core.http.routing import Match, Route, Router
from crypt_core.http.service_routes import ServiceHandlers
from crypt_core.http.types import JSON_TYPE, Request, Response
from crypt_core.limits.client_limits import ClientLimits
from crypt_core.limits.guesses import GuardedStore
from crypt_core.limits.upload_limits import UploadLimits
from crypt_core.parts import PartStore
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from crypt_core.store import Store

logger = logging.getLogger(__name__)


class App:
    """Answers requests. The Worker and the server use the same one."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        settings: Settings,
        limits: ClientLimits | None = None,
        *,
        extra_routes: Iterable[Route] = (),
        new_id: Callable[[int], str] = ids.generate,
        readiness: Callable[[], Mapping[str, object]] = dict,
        messages: Callable[[], int] | None = None,
        parts: PartStore | None = None,
        upload_limits: UploadLimits | None = None,
    ) -> None:
        """Build the routes.

        Args:
            settings: The operator's settings.
            limits: Count the requests to the message routes, and the misses. Without limits, nothing is counted.
            extra_routes: Routes that only one platform has.
            new_id: Draws an id of the given length.
            readiness: What the platform's store has to say beside that it answers, for `/-/ready`.
            messages: Tells how many messages wait in the store; `ID_LENGTH=auto` needs it.
            parts: Where the parts of files lie; without it, files are off.
            upload_limits: What was uploaded and fetched so far; by default, nothing was.

        Raises:
            SettingsError: `ID_LENGTH` is `auto`, and nobody tells the number of messages.
        """
        if settings.create_tokens is not None and not settings.create_tokens.labels and not settings.has_sign_on:
            logger.warning("CREATE_TOKENS has no token: nobody can create messages")
        self._limits = limits
        self._pages = Pages(settings)
        id_length = _id_length(settings, messages)
        handlers = MessageHandlers(settings, self._pages, lambda: new_id(id_length()))
        parts = parts if settings.max_file else None
        service = ServiceHandlers(settings, self._pages, readiness, has_files=parts is not None)
        part_handlers = PartHandlers(settings, parts, upload_limits or UploadLimits(settings.upload_per_hour))
        self._router = Router(_routes(handlers, part_handlers, service, extra_routes))

    async def handle(self, request: Request, store: Store) -> Response:
        """Answer `request` with the messages in `store`.

        This method raises nothing: an error becomes a response, and a line in the log if the error is ours.
        """
        match = self._router.match(request.path) or self._match_damaged(request)
        try:
            response = await self._answer(request, store, match)
        except Exception as error:  # noqa: BLE001
            response = self._error_response(request, error)
        route = "" if match is None else match.route.pattern
        headers = {**COMMON_HEADERS, **response.headers}
        body = response.body
        if headers.get("Content-Type") == JSON_TYPE and is_for_terminal(request.headers):
            body += b"\n"  # the next prompt gets a line of its own
        return Response(response.status, body, headers, route, response.created_by, response.stream)

    async def _answer(self, request: Request, store: Store, match: Match | None) -> Response:
        if request.method == "OPTIONS":
            return Response(204, headers=dict(PREFLIGHT_HEADERS))
        if match is None:
            raise RouteNotFound
        route, parameters = match
        if request.method in route.unlimited:
            return await route.unlimited[request.method](request, store, *parameters)
        handler = route.limited.get(request.method)
        if handler is None:
            # `curl -T notes.txt` puts the file's name behind the address.
            is_file = request.method == "PUT" and not any(map(ids.is_plain, parameters)) and route.pattern == "/{id}"
            raise MethodNotAllowed(route.methods, text_hint(request) if is_file else "")
        refuse_partial_body(request)
        if request.headers.get("if-match", "*").strip() != "*":
            raise PreconditionFailed
        if self._limits is None:
            return await handler(request, store, *parameters)
        admission, miss = await self._limits.admit(request.client, may_miss=any(map(ids.is_plain, parameters)))
        guarded = GuardedStore(store, miss)
        try:
            if not admission.admitted:
                raise RateLimited(math.ceil(admission.reset))  # noqa: TRY301 - it gets the headers below
            response = await handler(request, guarded, *parameters)
        except Exception as error:  # noqa: BLE001
            response = self._error_response(request, error)
        # Not if the request was cancelled: a guess may have destroyed a message.
        if (taken := guarded.to_give_back) is not None:
            await self._limits.give_back_miss(request.client, taken)
        return response._replace(headers={**rate_limit_headers(admission), **response.headers})

    def _match_damaged(self, request: Request) -> Match | None:
        """Find the route of a damaged link that a person follows; a program gets 404."""
        if request.method != "GET" or not is_navigation(request.headers):
            return None
        path = without_slashes(request.path)
        return None if path is None else self._router.match(path)

    def _error_response(self, request: Request, error: Exception) -> Response:
        """Answer with JSON; with a page if a person has followed a link with a browser, or pressed a page's button."""
        reason = api_error(error)
        if (request.method == "GET" or request.path.endswith("/reveal")) and is_navigation(request.headers):
            return self._pages.error(request, reason) or api_error_response(reason)
        return api_error_response(reason)


def _routes(
    messages: MessageHandlers, parts: PartHandlers, service: ServiceHandlers, extra_routes: Iterable[Route]
) -> Iterator[Route]:
    home = {"GET": service.home, "HEAD": service.home}
    by_id = {"GET": messages.read, "DELETE": messages.destroy}
    by_sealed_id = {"GET": messages.read, "PUT": messages.put, "DELETE": messages.destroy}
    yield Route("/", unlimited=home, limited={"POST": messages.create, "PUT": messages.create_text})
    yield Route("/{id}", limited=by_id)
    yield Route("/{sealed_id}", limited=by_sealed_id)
    yield Route("/{id}/status", limited={"GET": messages.receipt})
    yield Route("/{id}/question", limited={"GET": messages.question})
    yield Route("/{id}/answer", limited={"PUT": messages.answer})
    yield Route("/{id}/reveal", limited={"POST": messages.reveal})
    yield Route("/{id}/part", limited={"GET": parts.get, "PUT": parts.put, "DELETE": parts.delete})
    for path, handler in (
        ("/-/health", service.health),
        ("/-/ready", service.ready),
        ("/-/limits", service.limits),
        ("/-/openapi.json", service.openapi),
        (STYLE_PATH, service.style),
        (LOGO_PATH, service.logo),
        *((f"/-/texts/{code}.json", service.texts) for code in LANGUAGES),
    ):
        yield Route(path, unlimited={"GET": handler, "HEAD": handler})
    yield from extra_routes


def _id_length(settings: Settings, messages: Callable[[], int] | None) -> Callable[[], int]:
    """What tells the length of the next id."""
    length = settings.id_length
    if length != "auto":
        return lambda: length
    if messages is None:
        raise SettingsError("ID_LENGTH cannot be auto with a store that does not count its messages")
    return lambda: ids.length_for(messages() + 1)
