"""The Python client: `Client` and `AsyncClient`, for sealed messages and plain ones.

Each operation is written once, as a generator that yields requests and is sent responses; the two clients differ
in how they wait for them.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from crypt_api import errors
from crypt_api.envelope import Content, Keys, Secret
from crypt_core.tokens import digest, encode_base64url

T = TypeVar("T")

MAX_ATTEMPTS = 4
"""Of one request, whose answer was lost or which was asked to wait. All of them may be repeated; only a plain message
whose answer was lost may be there twice, with one id that nobody knows, until it expires."""

FIRST_PAUSE = 0.25
"""Seconds before the second attempt; doubled with each."""

MAX_PAUSE = 10.0
"""Seconds between two attempts, whatever the service asks for."""

TIMEOUT = 30.0
"""Seconds."""


@dataclass(frozen=True)
class Sent:
    """A message on its way. The link is all that its reader needs.

    Attributes:
        link: With the secret in it.
        expires_at: When it is gone, read or not.
    """

    link: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Receipt:
    """What has become of a message.

    Attributes:
        state: `unread`, `read` or `destroyed`.
        passphrase: Whether it takes one.
        reads_left: How often it can still be read.
        at: When it was last read, or destroyed; None while unread.
        expires_at: When it is gone, and this receipt with it.
    """

    state: str
    passphrase: bool
    reads_left: int
    at: datetime | None
    expires_at: datetime


Operation = Generator[httpx.Request, httpx.Response, T]


def _send(origin: str, content: Content | str, ttl: int | None, reads: int, passphrase: str | None) -> Operation[Sent]:
    content = Content.from_text(content) if isinstance(content, str) else content
    secret = Secret.generate()
    keys = secret.keys(passphrase)
    body: dict[str, Any] = {"message": secret.seal(content, keys), "proof_hash": digest(secret.proof), "reads": reads}
    if keys.passphrase_proof is not None:
        body["passphrase_hash"] = digest(keys.passphrase_proof)
    if ttl is not None:
        body["ttl"] = ttl
    response = yield _request("PUT", f"{origin}/{secret.id}", json=body)
    return Sent(secret.link(origin), datetime.fromisoformat(_success(response)["expires_at"]))


def _read(link: str, passphrase: str | None) -> Operation[Content]:
    secret, origin = Secret.parse(link), _origin(link)
    url, keys = f"{origin}/{secret.id}", secret.keys(passphrase)
    headers = _authorization(secret, keys) | {"Idempotency-Key": secrets.token_urlsafe(16)}
    response = yield _request("GET", url, headers=headers)
    if response.status_code == httpx.codes.NOT_FOUND:
        yield from _explain_missing(link)
    content = secret.unseal(_success(response)["message"], keys)
    # The message has arrived: the service need not hold it any longer. Should this get lost, it ends by itself.
    yield _request("DELETE", url, headers=headers, is_courtesy=True)
    return content


def _explain_missing(link: str) -> Operation[None]:
    """Find out from the receipt why there is nothing.

    Raises:
        NotFound: Always; as `AlreadyRead` or `Destroyed` where the receipt says so.
    """
    receipt = yield from _status(link)
    if receipt.at is not None:
        raise errors.AlreadyRead(receipt.at) if receipt.state == "read" else errors.Destroyed(receipt.at)
    raise errors.NotFound("There is no such message.")


def _status(link: str) -> Operation[Receipt]:
    secret = Secret.parse(link)
    url = f"{_origin(link)}/{secret.id}/status"
    fields = _success((yield _request("GET", url, headers=_authorization(secret))))
    at = datetime.fromisoformat(fields["at"]) if fields["at"] else None
    expires_at = datetime.fromisoformat(fields["expires_at"])
    return Receipt(fields["state"], fields["passphrase"], fields["reads_left"], at, expires_at)


def _burn(link: str) -> Operation[None]:
    secret = Secret.parse(link)
    response = yield _request("DELETE", f"{_origin(link)}/{secret.id}", headers=_authorization(secret))
    if response.status_code == httpx.codes.NOT_FOUND:
        yield from _explain_missing(link)
    _success(response)


def _create(origin: str, message: str, ttl: int | None) -> Operation[str]:
    body: dict[str, Any] = {"message": message} | ({} if ttl is None else {"ttl": ttl})
    message_id: str = _success((yield _request("POST", f"{origin}/", json=body)))["id"]
    return message_id


def _fetch(origin: str, message_id: str) -> Operation[str]:
    headers = {"Idempotency-Key": secrets.token_urlsafe(16)}
    url = httpx.URL(origin).copy_with(path=f"/{message_id}")
    message: str = _success((yield _request("GET", url, headers=headers)))["message"]
    yield _request("DELETE", url, headers=headers, is_courtesy=True)
    return message


def _request(method: str, url: httpx.URL | str, *, is_courtesy: bool = False, **options: Any) -> httpx.Request:
    """A request; one that is a courtesy may get lost."""
    extensions = {"timeout": httpx.Timeout(TIMEOUT).as_dict(), "is_courtesy": is_courtesy}
    return httpx.Request(method, url, extensions=extensions, **options)


def _origin(link: str) -> str:
    """The service that a link names.

    Raises:
        InvalidLink: It names none, or one that would send the proof unencrypted over a network.
    """
    url = urlsplit(link)
    if url.scheme == "https" or (url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")):
        return f"{url.scheme}://{url.netloc}"
    raise errors.InvalidLink("A link starts with https://, or with http://localhost.")


def _authorization(secret: Secret, keys: Keys | None = None) -> dict[str, str]:
    token = encode_base64url(secret.proof)
    if keys is not None and keys.passphrase_proof is not None:
        token += "." + encode_base64url(keys.passphrase_proof)
    return {"Authorization": f"Bearer {token}"}


def _success(response: httpx.Response) -> dict[str, Any]:
    """The answer's fields.

    Raises:
        CryptApiError: It is none of success.
    """
    try:
        fields = response.json() if response.content else {}
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise errors.Unavailable(f"What answers there ({response.status_code}) is not this service.")
    if response.is_success:
        return fields
    text = str(fields.get("error", f"status {response.status_code}"))
    match response.status_code:
        case 401 if "tries_left" in fields:
            raise errors.PassphraseRequired(fields["tries_left"])
        case 403 if "tries_left" in fields:
            raise errors.WrongPassphrase(fields["tries_left"])
        case 404:
            raise errors.NotFound("There is no such message.")
        case 413:
            raise errors.ContentTooLarge(text)
        case 429:
            raise errors.RateLimited(_retry_after(response))
        case status if status >= 500:  # noqa: PLR2004
            raise errors.Unavailable(text)
    raise errors.Refused(text)


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "1")
    return float(text) if text.isdecimal() else 1.0


def _pause(attempt: int, outcome: httpx.Response | httpx.TransportError, request: httpx.Request) -> float | None:
    """Seconds until the next attempt; None when there is none to be made."""
    if attempt == MAX_ATTEMPTS or request.extensions["is_courtesy"]:
        return None
    growing = FIRST_PAUSE * 2.0 ** (attempt - 1)
    if isinstance(outcome, httpx.TransportError):
        return growing
    if outcome.status_code in (429, 503):
        return min(max(_retry_after(outcome), growing), MAX_PAUSE)
    return None


def _settle(outcome: httpx.Response | httpx.TransportError, request: httpx.Request) -> httpx.Response:
    """The last attempt's response; what was only a courtesy may be lost."""
    if isinstance(outcome, httpx.Response):
        return outcome
    if request.extensions["is_courtesy"]:
        return httpx.Response(204)
    raise errors.Unavailable(f"{request.url.host} cannot be reached ({type(outcome).__name__}).") from None


class Client:
    """Sends and reads messages. Close it, or use it in a `with`."""

    def __init__(
        self,
        server: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`server` is the service that messages are sent to; those that are read have theirs in their links.

        Raises:
            InvalidLink: `server` is none, or would be spoken to unencrypted over a network.
        """
        self._server = _origin(server)
        self._http = httpx.Client(transport=transport)
        self._sleep = sleep

    def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """Encrypt and store `content` for `ttl` seconds and `reads` readers."""
        return self._run(_send(self._server, content, ttl, reads, passphrase))

    def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """Read the message at `link`, and destroy it there."""
        return self._run(_read(link, passphrase))

    def status(self, link: str) -> Receipt:
        """Tell what has become of the message at `link`."""
        return self._run(_status(link))

    def burn(self, link: str) -> None:
        """Destroy the message at `link` unread."""
        self._run(_burn(link))

    def create(self, message: str, *, ttl: int | None = None) -> str:
        """Store a plain message, which the service can read; give its id."""
        return self._run(_create(self._server, message, ttl))

    def fetch(self, message_id: str) -> str:
        """Read a plain message, and destroy it."""
        return self._run(_fetch(self._server, message_id))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, operation: Operation[T]) -> T:
        try:
            request = next(operation)
            while True:
                request = operation.send(self._answer(request))
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _answer(self, request: httpx.Request) -> httpx.Response:
        attempt = 1
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.send(request)
            except httpx.TransportError as error:
                outcome = error
            pause = _pause(attempt, outcome, request)
            if pause is None:
                return _settle(outcome, request)
            self._sleep(pause)
            attempt += 1


class AsyncClient:
    """As `Client`, for asyncio."""

    def __init__(
        self,
        server: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`server` is the service that messages are sent to; those that are read have theirs in their links.

        Raises:
            InvalidLink: `server` is none, or would be spoken to unencrypted over a network.
        """
        self._server = _origin(server)
        self._http = httpx.AsyncClient(transport=transport)
        self._sleep = sleep

    async def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """Encrypt and store `content` for `ttl` seconds and `reads` readers."""
        return await self._run(_send(self._server, content, ttl, reads, passphrase))

    async def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """Read the message at `link`, and destroy it there."""
        return await self._run(_read(link, passphrase))

    async def status(self, link: str) -> Receipt:
        """Tell what has become of the message at `link`."""
        return await self._run(_status(link))

    async def burn(self, link: str) -> None:
        """Destroy the message at `link` unread."""
        await self._run(_burn(link))

    async def create(self, message: str, *, ttl: int | None = None) -> str:
        """Store a plain message, which the service can read; give its id."""
        return await self._run(_create(self._server, message, ttl))

    async def fetch(self, message_id: str) -> str:
        """Read a plain message, and destroy it."""
        return await self._run(_fetch(self._server, message_id))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, operation: Operation[T]) -> T:
        try:
            request = next(operation)
            while True:
                request = operation.send(await self._answer(request))
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        attempt = 1
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.send(request)
            except httpx.TransportError as error:
                outcome = error
            pause = _pause(attempt, outcome, request)
            if pause is None:
                return _settle(outcome, request)
            await self._sleep(pause)
            attempt += 1
