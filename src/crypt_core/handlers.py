"""What each route about messages does: from a request to a command, and from its outcome to an answer."""

from collections.abc import Callable
from datetime import UTC, datetime

from crypt_core import ids, pages
from crypt_core.body import parse_json, read_body
from crypt_core.errors import (
    AuthorizationRequired,
    IdInUse,
    InvalidNonce,
    MessageNotFound,
    NoUniqueId,
    PassphraseMissing,
    PassphraseNotExpected,
    WrongPassphrase,
)
from crypt_core.fields import MAX_ENVELOPE_BYTES, MAX_MESSAGE_BYTES, plain_message, sealed_message
from crypt_core.http import Request, Response, json_response
from crypt_core.messages import (
    Created,
    Destroy,
    Destroyed,
    Granted,
    PassphraseRequired,
    PassphraseUnexpected,
    PassphraseWrong,
    Read,
    Repeated,
    Report,
    Status,
)
from crypt_core.readers import is_navigation, prefers_html, refuse_robots
from crypt_core.settings import Settings
from crypt_core.store import Store
from crypt_core.tokens import PROOF_BYTES, decode_base64url, digest

MAX_ID_ATTEMPTS = 10
"""With 5 characters and a million live messages, one draw clashes once in 60, ten in a row once in 10^17."""


class MessageHandlers:
    """The message routes over one store."""

    def __init__(self, store: Store, settings: Settings, new_id: Callable[[int], str]) -> None:
        self._store = store
        self._settings = settings
        self._new_id = new_id

    async def create(self, request: Request) -> Response:
        """Keep the body's message under an id of its own.

        Raises:
            ApiError: The body is no such message, or the store is unavailable; nothing was stored.
        """
        fields = parse_json(await read_body(request.body, request.headers, _max_body_bytes(MAX_MESSAGE_BYTES)))
        command = plain_message(fields, self._settings)
        for _ in range(MAX_ID_ATTEMPTS):
            message_id = self._new_id(self._settings.id_length)
            if isinstance(await self._store.apply(message_id, command), Created):
                return json_response(200, {"id": message_id})
        raise NoUniqueId

    async def put(self, request: Request) -> Response:
        """Keep the body's sealed message under the id in the path, which the client derived.

        Raises:
            ApiError: The body is no such message, the id is used, or the store is unavailable; nothing was stored.
        """
        message_id = _message_id(request)
        fields = parse_json(await read_body(request.body, request.headers, _max_body_bytes(MAX_ENVELOPE_BYTES)))
        outcome = await self._store.apply(message_id, sealed_message(fields, self._settings))
        match outcome:
            case Created(expires_at) | Repeated(expires_at):
                status = 201 if isinstance(outcome, Created) else 200
                return json_response(status, {"id": message_id, "expires_at": _timestamp(expires_at)})
            case _:
                raise IdInUse

    async def read(self, request: Request) -> Response:
        """Hand out the message; or, to a browser on its way to a page, the page with the button.

        Raises:
            ApiError: There is none for this asker, or the store is unavailable; nothing was read.
        """
        refuse_robots(request.headers)
        message_id = _message_id(request)
        if ids.is_plain(message_id):
            if is_navigation(request.headers):
                return pages.reveal(request, message_id)
            return json_response(200, {"message": await self._take(message_id, Read(nonce_hash=_nonce_hash(request)))})
        proof_hash, passphrase_hash = _proofs(request)
        command = Read(proof_hash, passphrase_hash, _nonce_hash(request))
        return json_response(200, {"message": await self._take(message_id, command)})

    async def reveal(self, request: Request) -> Response:
        """Hand out the message to the page's button: as a page of its own to a form, as JSON to the page's script.

        Raises:
            ApiError: The form is not this page's, or as for `read`.
        """
        refuse_robots(request.headers)
        message_id = _message_id(request)
        if not ids.is_plain(message_id):
            raise MessageNotFound
        await pages.check_form(request)
        as_page = prefers_html(request.headers)
        try:
            message = await self._take(message_id, Read(nonce_hash=_nonce_hash(request)))
        except MessageNotFound:
            if as_page:
                return pages.gone()
            raise
        return pages.revealed(message) if as_page else json_response(200, {"message": message})

    async def destroy(self, request: Request) -> Response:
        """Destroy the message unread, or end a reader's right to fetch it again.

        Raises:
            ApiError: There is none for this asker, or the store is unavailable.
        """
        message_id = _message_id(request)
        proof_hash = None if ids.is_plain(message_id) else _proofs(request)[0]
        outcome = await self._store.apply(message_id, Destroy(proof_hash, _nonce_hash(request)))
        if not isinstance(outcome, Destroyed):
            raise MessageNotFound
        return Response(204)

    async def status(self, request: Request) -> Response:
        """Tell the holder of a sealed message's link what has become of it.

        Raises:
            ApiError: There is nothing to tell this asker, or the store is unavailable.
        """
        message_id = _message_id(request)
        if ids.is_plain(message_id):
            raise MessageNotFound
        outcome = await self._store.apply(message_id, Status(_proofs(request)[0]))
        if not isinstance(outcome, Report):
            raise MessageNotFound
        report = {
            "state": outcome.state,
            "passphrase": outcome.passphrase,
            "reads_left": outcome.reads_left,
            "at": None if outcome.at is None else _timestamp(outcome.at),
            "expires_at": _timestamp(outcome.expires_at),
        }
        return json_response(200, report)

    async def _take(self, message_id: str, command: Read) -> str:
        match await self._store.apply(message_id, command):
            case Granted(content):
                return content
            case PassphraseRequired(tries_left):
                raise PassphraseMissing(tries_left)
            case PassphraseWrong(tries_left):
                raise WrongPassphrase(tries_left)
            case PassphraseUnexpected():
                raise PassphraseNotExpected
            case _:
                raise MessageNotFound


def _max_body_bytes(message_bytes: int) -> int:
    """JSON spends at most 6 bytes on one of the message's (`u001f` and its backslash); 1 KiB is for the rest."""
    return 6 * message_bytes + 1_024


def _message_id(request: Request) -> str:
    """The path's first segment.

    Raises:
        MessageNotFound: No message can have this id.
    """
    text = request.path.split("/")[1]
    if not (ids.is_plain(text) or ids.is_sealed(text)):
        raise MessageNotFound
    return text


def _proofs(request: Request) -> tuple[str, str | None]:
    """The hashes of the link's proof and the passphrase's in `Authorization: Bearer <proof>[.<passphrase proof>]`.

    Raises:
        AuthorizationRequired: There is no such header.
        MessageNotFound: It holds nothing that could be the link's proof: a wrong one is an unknown id.
    """
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AuthorizationRequired
    text, dot, passphrase_text = token.strip().partition(".")
    proof = decode_base64url(text, PROOF_BYTES)
    if proof is None:
        raise MessageNotFound
    # What cannot be a passphrase's proof is a wrong one: an empty hash matches none.
    passphrase_proof = decode_base64url(passphrase_text, PROOF_BYTES)
    passphrase_hash = digest(passphrase_proof) if passphrase_proof is not None else ""
    return digest(proof), passphrase_hash if dot else None


def _nonce_hash(request: Request) -> str | None:
    nonce = request.headers.get("idempotency-key")
    if nonce is None:
        return None
    if not (0 < len(nonce) < 256 and nonce.isascii() and nonce.isprintable() and " " not in nonce):  # noqa: PLR2004
        raise InvalidNonce
    return digest(nonce.encode())


def _timestamp(time: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(int(time), UTC).isoformat().replace("+00:00", "Z")
