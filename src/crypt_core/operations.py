"""The routes that are not about messages: the page, help, health, readiness, and the description of the API."""

from crypt_core import pages
from crypt_core.http import Request, Response, json_response
from crypt_core.messages import Read
from crypt_core.openapi import openapi
from crypt_core.readers import is_navigation
from crypt_core.settings import Settings
from crypt_core.store import Store

HELP = """\
crypt-api: messages that destroy themselves when they are read, or after a day.

Store a message, and get its id:
  curl -d '{{"message": "the key is under the mat"}}' {origin}/

Read it, once:
  curl {origin}/ID

Encrypt it first, so that not even this service can read it:
  open {origin}/ in a browser

All of the API: {origin}/-/openapi.json
"""

_PROBE_ID = "-"
"""No message can have it."""


class OperationHandlers:
    """What people and machines that run or explore the service ask for."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def home(self, request: Request) -> Response:
        """The page to a browser, and how to use the API to everything else."""
        if is_navigation(request.headers):
            return pages.home(self._settings)
        host = request.headers.get("host", "")
        origin = f"{request.scheme}://{host if _is_plain_host(host) else 'HOST'}"
        return Response(200, HELP.format(origin=origin).encode(), {"Content-Type": "text/plain; charset=utf-8"})

    async def health(self, _: Request) -> Response:
        """Whether this program answers at all."""
        return json_response(200, {"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Whether the store answers, too.

        Raises:
            StorageUnavailable: It does not.
        """
        await self._store.apply(_PROBE_ID, Read())
        return json_response(200, {"status": "ready"})

    async def openapi(self, _: Request) -> Response:
        return json_response(200, openapi(self._settings))


def _is_plain_host(host: str) -> bool:
    return 0 < len(host) < 256 and host.isascii() and all(c.isalnum() or c in ".-:[]" for c in host)  # noqa: PLR2004
