"""What each route does: from a request to a command, and from its outcome to an answer."""

from collections.abc import Callable
from typing import Any

from crypt_core import ids
from crypt_core.body import parse_json, read_body
from crypt_core.errors import (
    InvalidMessage,
    InvalidTtl,
    MessageNotFound,
    MessageTooLarge,
    NoUniqueId,
    PrefetchRefused,
)
from crypt_core.http import Request, Response, json_response
from crypt_core.messages import Create, Created, Granted, Read
from crypt_core.settings import MIN_TTL, Settings
from crypt_core.store import Store

MAX_MESSAGE_BYTES = 102_400
"""UTF-8 bytes of a message."""

MAX_BODY_BYTES = 6 * MAX_MESSAGE_BYTES + 1_024
"""JSON spends at most 6 bytes on one of the message's (a control character as `\\u001f`); 1 KiB is for the rest."""

MAX_ID_ATTEMPTS = 10
"""With 5 characters and a million live messages, one draw clashes once in 60, ten in a row once in 10^17."""

HELP = """\
crypt-api: messages that destroy themselves when they are read, or after a day.

Store a message, and get its id:
  curl -d '{{"message": "the key is under the mat"}}' {origin}/

Read it, once:
  curl {origin}/ID
"""


class Handlers:
    """The message routes over one store."""

    def __init__(self, store: Store, settings: Settings, new_id: Callable[[int], str] = ids.generate) -> None:
        self._store = store
        self._settings = settings
        self._new_id = new_id

    async def help(self, request: Request) -> Response:
        host = request.headers.get("host", "")
        origin = f"{request.scheme}://{host if _is_plain_host(host) else 'HOST'}"
        text = HELP.format(origin=origin)
        return Response(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    async def create(self, request: Request) -> Response:
        """Store the body's message under an id of its own.

        Raises:
            ApiError: The body is no such message, or the store is unavailable; nothing was stored.
        """
        fields = parse_json(await read_body(request.body, request.headers, MAX_BODY_BYTES))
        command = Create(_message(fields), self._ttl(fields))
        for _ in range(MAX_ID_ATTEMPTS):
            message_id = self._new_id(self._settings.id_length)
            if isinstance(await self._store.apply(message_id, command), Created):
                return json_response(200, {"id": message_id})
        raise NoUniqueId

    async def read(self, request: Request) -> Response:
        """Hand out the message whose id is the path, and destroy it.

        Raises:
            ApiError: There is none, nobody wants it yet, or the store is unavailable; nothing was read.
        """
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")).lower():
            raise PrefetchRefused
        message_id = request.path.removeprefix("/")
        if not ids.is_possible(message_id):
            raise MessageNotFound
        outcome = await self._store.apply(message_id, Read())
        if not isinstance(outcome, Granted):
            raise MessageNotFound
        return json_response(200, {"message": outcome.content})

    def _ttl(self, fields: dict[str, Any]) -> int:
        ttl = fields.get("ttl", self._settings.default_ttl)
        if type(ttl) is not int or not MIN_TTL <= ttl <= self._settings.max_ttl:  # a bool is an int, too
            raise InvalidTtl(MIN_TTL, self._settings.max_ttl)
        return ttl


def _message(fields: Any) -> str:
    message = fields.get("message") if isinstance(fields, dict) else None
    if not isinstance(message, str) or not message.strip():
        raise InvalidMessage
    try:
        size = len(message.encode())
    except UnicodeEncodeError:  # JSON can escape half of a surrogate pair; no UTF-8 can carry it
        raise InvalidMessage from None
    if size > MAX_MESSAGE_BYTES:
        raise MessageTooLarge
    return message


def _is_plain_host(host: str) -> bool:
    return 0 < len(host) < 256 and host.isascii() and all(c.isalnum() or c in ".-:[]" for c in host)  # noqa: PLR2004
