"""The routes that are not about messages: the page, the help text, health, readiness, and OpenAPI."""

from collections.abc import Callable, Mapping
from functools import cached_property

from crypt_core.commands import Read
from crypt_core.http.errors import RouteNotFound
from crypt_core.http.message_fields import MAX_MESSAGE_BYTES, MAX_READS
from crypt_core.http.negotiation import is_navigation
from crypt_core.http.openapi import openapi
from crypt_core.http.page_texts import load_texts
from crypt_core.http.pages import Pages
from crypt_core.http.robots import is_robot
from crypt_core.http.types import Request, Response, json_response, text_response
from crypt_core.parts import EXTRA_TTL, MAX_PART_BYTES
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.store import Store

HELP = """\
crypt-api: messages that destroy themselves when they are read, or when their time is up.

Store a text, and get its address:
  echo "the key is under the mat" | curl -T - {origin}/

Read it, once:
  curl -H "Accept: text/plain" {origin}/ID

The same with JSON:
  curl -d '{{"message": "the key is under the mat"}}' {origin}/
  curl {origin}/ID

This service can read these texts until somebody has read them. So seal what is secret before you send it:
  CRYPT_API_SERVER={origin} crypt-api send
  or open {origin}/ in a browser

All of the API: {origin}/-/openapi.json
"""

_PROBE_ID = "-"
"""No message can have this id."""


class ServiceHandlers:
    """The handlers of the routes that the rate limit does not count."""

    def __init__(
        self, settings: Settings, pages: Pages, readiness: Callable[[], Mapping[str, object]], *, has_files: bool
    ) -> None:
        """`readiness` gives the fields of `/-/ready` that only the platform's store knows."""
        self._has_files = has_files
        self._settings = settings
        self._pages = pages
        self._readiness = readiness
        self._picture = settings.brand.picture

    async def home(self, request: Request, _: Store) -> Response:
        """The page for a browser, and for a robot that draws a link's preview; how to use the API for all others."""
        if is_navigation(request.headers) or is_robot(request.headers):
            return self._pages.home(request)
        return text_response(HELP.format(origin=request.origin))

    async def texts(self, request: Request, _: Store) -> Response:
        """The page's texts in one language, for the page's script when its user chooses that language."""
        return json_response(200, load_texts(request.path.rpartition("/")[2].removesuffix(".json")))

    async def style(self, _request: Request, _store: Store) -> Response:
        """The operator's colour."""
        return Response(200, self._settings.brand.style.encode(), {"Content-Type": "text/css; charset=utf-8"})

    async def logo(self, _request: Request, _store: Store) -> Response:
        """The operator's logo. Nothing in it runs, even if somebody opens it as a page."""
        if self._picture is None:
            raise RouteNotFound
        media_type, data = self._picture
        headers = {
            "Content-Type": media_type,
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        }
        return Response(200, data, headers)

    async def health(self, _request: Request, _store: Store) -> Response:
        """Liveness: this program answers."""
        return json_response(200, {"status": "ok"})

    async def ready(self, _: Request, store: Store) -> Response:
        """Readiness: the store answers, too. Raises `StorageUnavailable` if it does not.

        A store that refuses new messages is ready: what waits can be read, and would be out of reach otherwise.
        """
        await store.apply(_PROBE_ID, Read())
        return json_response(200, {"status": "ready", **self._readiness()})

    async def limits(self, request: Request, _store: Store) -> Response:
        """What this client has to know before it sends. Times are in seconds."""
        settings = self._settings
        files = {"max_bytes": settings.max_file, "part_bytes": MAX_PART_BYTES, "extra_ttl": EXTRA_TTL}
        fields = {
            "message_bytes": MAX_MESSAGE_BYTES,
            "min_ttl": MIN_TTL,
            "max_ttl": settings.max_ttl,
            "default_ttl": settings.default_ttl,
            "max_reads": MAX_READS,
            "token": settings.create_tokens is not None and not request.user,
            "files": files if self._has_files else None,
            "notify": settings.webhook is not None,
        }
        return json_response(200, fields)

    async def openapi(self, _request: Request, _store: Store) -> Response:
        """The description of the API."""
        return self._description

    @cached_property
    def _description(self) -> Response:
        """Made once: making it takes a millisecond of the CPU, which a flood of requests would multiply."""
        return json_response(200, openapi(self._settings))
