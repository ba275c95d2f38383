"""The message routes: from a request to a command for the store, and from the outcome to a response."""

from collections.abc import Callable

from crypt_core import ids
from crypt_core.commands import Acknowledge, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.http import errors
from crypt_core.http.authorization import creator, idempotency_hash, proofs
from crypt_core.http.body import parse_json, read_body
from crypt_core.http.body_hints import text_hint
from crypt_core.http.damaged_links import is_misplaced_secret, repaired_plain_id
from crypt_core.http.form_token import check_form
from crypt_core.http.message_fields import (
    MAX_ANSWER_BYTES,
    MAX_ENVELOPE_BYTES,
    MAX_MESSAGE_BYTES,
    answer,
    plain_message,
    plain_text,
    sealed_message,
)
from crypt_core.http.negotiation import is_navigation, prefers_text
from crypt_core.http.pages import Pages
from crypt_core.http.robots import refuse_unmeant
from crypt_core.http.types import Request, Response, json_response, text_response, timestamp
from crypt_core.outcomes import (
    Acknowledged,
    AlreadyAnswered,
    Answered,
    Created,
    Destroyed,
    Granted,
    NotAnswered,
    PassphraseRequired,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    UnexpectedPassphrase,
    WrongPassphrase,
)
from crypt_core.settings import Settings
from crypt_core.store import Store

MAX_ID_ATTEMPTS = 10
"""With 5 characters and a million live messages, one draw clashes once in 60, ten in a row once in 10^17."""


class MessageHandlers:
    """The handlers of the message routes. Each raises an `ApiError` for a request that it refuses."""

    def __init__(self, settings: Settings, pages: Pages, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._pages = pages
        self._new_id = new_id

    async def create(self, request: Request, store: Store) -> Response:
        """Keep the plain message in the body under a new id."""
        created_by = creator(request, self._settings.create_tokens)
        body = await read_body(request.body, request.headers, _max_body_bytes(MAX_MESSAGE_BYTES))
        fields = parse_json(body, text_hint(request))
        message_id = await self._create(store, plain_message(fields, self._settings))
        return json_response(200, {"id": message_id}, created_by=created_by)

    async def create_text(self, request: Request, store: Store) -> Response:
        """Keep the body itself as a plain message, as `curl -T -` sends it; answer with the message's address."""
        created_by = creator(request, self._settings.create_tokens)
        body = await read_body(request.body, request.headers, MAX_MESSAGE_BYTES)
        message_id = await self._create(store, plain_text(body, request.headers, self._settings))
        return text_response(f"{request.origin}/{message_id}\n", created_by=created_by)

    async def _create(self, store: Store, command: Create) -> str:
        """Keep a plain message under a new id; return the id."""
        for _ in range(MAX_ID_ATTEMPTS):
            message_id = self._new_id()
            if isinstance(await store.apply(message_id, command), Created):
                return message_id
        raise errors.NoUniqueId

    async def put(self, request: Request, store: Store, message_id: str) -> Response:
        """Keep the sealed message, or the question, in the body under the id in the path, which the client derived."""
        created_by = creator(request, self._settings.create_tokens)
        fields = parse_json(await read_body(request.body, request.headers, _max_body_bytes(MAX_ENVELOPE_BYTES)))
        match await store.apply(message_id, sealed_message(fields, self._settings)):
            case Created(expires_at):
                fields = {"id": message_id, "expires_at": timestamp(expires_at)}
                return json_response(201, fields, created_by=created_by)
            case Repeated(expires_at):
                return json_response(200, {"id": message_id, "expires_at": timestamp(expires_at)})
            case _:
                raise errors.IdTaken

    async def read(self, request: Request, store: Store, message_id: str) -> Response:
        """Hand out the message; a browser's navigation gets the page with the button instead."""
        refuse_unmeant(request.headers)
        if is_navigation(request.headers):
            return self._page_of(request, message_id)
        _check_id(message_id)
        if ids.is_sealed(message_id):
            command = Read(*proofs(request), idempotency_hash(request))
        else:
            command = Read(idempotency_hash=idempotency_hash(request))
        message = await _read(store, message_id, command)
        return text_response(message) if prefers_text(request.headers) else json_response(200, {"message": message})

    def _page_of(self, request: Request, segment: str) -> Response:
        """Answer a browser that follows a link, also a damaged one. Nothing is read."""
        if is_misplaced_secret(segment):
            return self._pages.home(request)  # its script moves the secret back into the fragment
        if plain_id := repaired_plain_id(segment):
            return self._pages.reveal(request, plain_id)
        raise errors.MessageNotFound

    async def reveal(self, request: Request, store: Store, message_id: str) -> Response:
        """Hand out the message to the page's button: as a page to a plain form, as JSON to the page's script."""
        refuse_unmeant(request.headers)
        if not ids.is_plain(message_id):
            raise errors.MessageNotFound
        await check_form(request)
        as_page = is_navigation(request.headers)
        message = await _read(store, message_id, Read(idempotency_hash=idempotency_hash(request)))
        return self._pages.revealed(request, message) if as_page else json_response(200, {"message": message})

    async def destroy(self, request: Request, store: Store, message_id: str) -> Response:
        """Destroy the message; with an idempotency key, end the lease of the reader who has that key."""
        _check_id(message_id)
        proof_hash = proofs(request).proof_hash if ids.is_sealed(message_id) else None
        key_hash = idempotency_hash(request)
        command = Destroy(proof_hash) if key_hash is None else Acknowledge(proof_hash, key_hash)
        if not isinstance(await store.apply(message_id, command), Destroyed | Acknowledged):
            raise errors.MessageNotFound
        return Response(204)

    async def receipt(self, request: Request, store: Store, message_id: str) -> Response:
        """Tell the holder of a sealed message's link what has become of the message."""
        if not ids.is_sealed(message_id):
            raise errors.MessageNotFound
        outcome = await store.apply(message_id, GetReceipt(proofs(request).proof_hash))
        if not isinstance(outcome, Receipt):
            raise errors.MessageNotFound
        fields = {
            "state": outcome.state,
            "passphrase": outcome.passphrase,
            "reads_left": outcome.reads_left,
            "at": None if outcome.at is None else timestamp(outcome.at),
            "expires_at": timestamp(outcome.expires_at),
        }
        return json_response(200, fields)

    async def question(self, request: Request, store: Store, message_id: str) -> Response:
        """Hand out a question to somebody who may answer it. This changes nothing."""
        if not ids.is_sealed(message_id):
            raise errors.MessageNotFound
        match await store.apply(message_id, GetQuestion(proofs(request).proof_hash)):
            case Question(content, ttl, expires_at):
                return json_response(200, {"message": content, "ttl": ttl, "expires_at": timestamp(expires_at)})
            case AlreadyAnswered():
                raise errors.AlreadyAnswered
            case _:
                raise errors.MessageNotFound

    async def answer(self, request: Request, store: Store, message_id: str) -> Response:
        """Keep the answer in the body, if it is the first one. It needs no create token: whoever asked had one."""
        if not ids.is_sealed(message_id):
            raise errors.MessageNotFound
        proof_hash = proofs(request).proof_hash
        fields = parse_json(await read_body(request.body, request.headers, _max_body_bytes(MAX_ANSWER_BYTES)))
        match await store.apply(message_id, answer(fields, proof_hash)):
            case Answered(expires_at):
                return json_response(201, {"expires_at": timestamp(expires_at)})
            case RepeatedAnswer(expires_at):
                return json_response(200, {"expires_at": timestamp(expires_at)})
            case AlreadyAnswered():
                raise errors.AlreadyAnswered
            case _:
                raise errors.MessageNotFound


async def _read(store: Store, message_id: str, command: Read) -> str:
    """Read the message, and raise the error that the client gets if it is not granted."""
    match await store.apply(message_id, command):
        case Granted(content):
            return content
        case PassphraseRequired(tries_left):
            raise errors.PassphraseRequired(tries_left)
        case WrongPassphrase(tries_left):
            raise errors.WrongPassphrase(tries_left)
        case UnexpectedPassphrase():
            raise errors.UnexpectedPassphrase
        case NotAnswered():
            raise errors.NotAnswered
        case _:
            raise errors.MessageNotFound


def _check_id(message_id: str) -> None:
    """Raise `MessageNotFound` if no message can have this id."""
    if not (ids.is_plain(message_id) or ids.is_sealed(message_id)):
        raise errors.MessageNotFound


def _max_body_bytes(message_bytes: int) -> int:
    """JSON spends at most 6 bytes on one byte of the message (`u001f` and its backslash); 1 KiB is for the rest."""
    return 6 * message_bytes + 1_024
