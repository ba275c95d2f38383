"""What a client and the service say to each other, and nothing of how a client waits.

An operation is a generator of steps: whoever runs it carries each step out in its own way and sends back what came
of it. So the protocol, its repetitions included, is written once for clients of any kind.
"""

import secrets
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from crypt_api.client import errors
from crypt_api.client.envelope import Content, Keys, Secret
from crypt_core import ids
from crypt_core.encoding import digest, encode_base64url
from crypt_core.errors import UnexpectedPassphrase

T = TypeVar("T")

PAUSES = (0.25, 0.5, 1.0)
"""Seconds before each further attempt at a request, unless the service asks for more. All requests may be repeated;
only a plain message whose answer was lost may be there twice, under an id that nobody knows, until it expires."""

PATIENT_PAUSES = (2.0, 4.0, 8.0, 8.0)
"""Seconds before still more attempts at a read whose answer was lost: the service holds the message for a minute, and
only for this nonce."""

MAX_PAUSE = 10.0
"""Seconds between two attempts, whatever the service asks for."""

TIMEOUT = 30.0
"""Seconds that a connection may be silent."""

COURTESY_TIMEOUT = 5.0
"""The same, where the answer does not matter."""

REPEATED = frozenset({429, 502, 503, 504})
"""Answers of a service, or of a proxy before it, that did nothing, or lost what was done."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Ask:
    """Send the request; what comes back is the response, or the error that none came."""

    request: httpx.Request


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Compute:
    """Call the function, which takes a good part of a second: too long for an event loop. Its result comes back."""

    function: Callable[[], Any]


Step = Ask | Pause | Compute
Operation = Generator[Step, Any, T]


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

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        at = None if fields["at"] is None else datetime.fromisoformat(fields["at"])
        expires_at = datetime.fromisoformat(fields["expires_at"])
        if fields["state"] not in ("unread", "read", "destroyed"):
            raise ValueError
        return cls(str(fields["state"]), bool(fields["passphrase"]), int(fields["reads_left"]), at, expires_at)


@dataclass(frozen=True)
class Taken:
    """A message that the service holds for us until it knows that we have it."""

    content: Content
    acknowledgement: Ask = field(repr=False)


def origin_of(link: str) -> str:
    """The service that a link, or its own address, names.

    Raises:
        InvalidLink: It names none, one that would be spoken to unencrypted over a network, or a user and a password,
            which would be in every link.
    """
    try:
        url = urlsplit(link)
        httpx.URL(f"{url.scheme}://{url.netloc}")
        is_local = url.hostname in ("localhost", "127.0.0.1", "::1")
    except (ValueError, httpx.InvalidURL):
        raise errors.InvalidLink("This is no address of the web.") from None
    if "@" in url.netloc:
        raise errors.InvalidLink("An address with a user or a password in it is not taken.")
    if url.netloc and (url.scheme == "https" or (url.scheme == "http" and is_local)):
        return f"{url.scheme}://{url.netloc}"
    raise errors.InvalidLink("A link starts with https://, or with http://localhost.")


def send(origin: str, content: Content | str, ttl: int | None, reads: int, passphrase: str | None) -> Operation[Sent]:
    content = Content.from_text(content) if isinstance(content, str) else content
    secret = Secret.generate()
    keys = yield from _keys(secret, passphrase)
    body: dict[str, Any] = {"message": secret.seal(content, keys), "proof_hash": digest(secret.proof), "reads": reads}
    if keys.passphrase_proof is not None:
        body["passphrase_hash"] = digest(keys.passphrase_proof)
    if ttl is not None:
        body["ttl"] = ttl
    response = yield from _answer(_request("PUT", f"{origin}/{secret.id}", json=body))
    return _success(response, lambda f: Sent(secret.link(origin), datetime.fromisoformat(f["expires_at"])))


def take(link: str, passphrase: str | None) -> Operation[Taken]:
    """Get the message, and keep it from everybody else; it is there for us for a minute, until it is acknowledged."""
    if message_id := _plain_id(link):
        if passphrase:
            raise errors.UnexpectedPassphrase("A plain message has no passphrase. Nothing was read.")
        return (yield from take_plain(origin_of(link), message_id))
    secret, origin = Secret.parse(link), origin_of(link)
    keys = yield from _keys(secret, passphrase)
    url = f"{origin}/{secret.id}"
    headers = _authorization(secret, keys) | _nonce()
    response = yield from _answer(_request("GET", url, headers=headers), PATIENT_PAUSES)
    if response.status_code == httpx.codes.NOT_FOUND:
        raise (yield from _why_missing(link))
    return Taken(secret.unseal(_success(response, _message), keys), _acknowledgement(url, headers))


def take_plain(origin: str, message_id: str) -> Operation[Taken]:
    url, headers = _plain_url(origin, message_id), _nonce()
    message = _success((yield from _answer(_request("GET", url, headers=headers), PATIENT_PAUSES)), _message)
    return Taken(Content.from_text(message), _acknowledgement(url, headers))


def acknowledge(taken: Taken) -> Operation[None]:
    """Let the service know that the message has arrived. Should this get lost, the service lets go of it by itself."""
    yield taken.acknowledgement


def status(link: str) -> Operation[Receipt]:
    if _plain_id(link):
        raise errors.InvalidLink("A plain message has no receipt; only links with a # have one.")
    secret = Secret.parse(link)
    url = f"{origin_of(link)}/{secret.id}/status"
    return _success((yield from _answer(_request("GET", url, headers=_authorization(secret)))), Receipt.parse)


def burn(link: str) -> Operation[None]:
    if message_id := _plain_id(link):
        return (yield from delete(origin_of(link), message_id))
    secret = Secret.parse(link)
    request = _request("DELETE", f"{origin_of(link)}/{secret.id}", headers=_authorization(secret))
    response = yield from _answer(request)
    if response.status_code == httpx.codes.NOT_FOUND:
        reason = yield from _why_missing(link)
        was_it_us = request.extensions["attempts"] > 1 and isinstance(reason, errors.Destroyed)
        if not was_it_us:  # when the answer to an earlier attempt was lost
            raise reason
    else:
        _success(response, _nothing)


def create(origin: str, message: str, ttl: int | None) -> Operation[str]:
    body: dict[str, Any] = {"message": Content.from_text(message).text} | ({} if ttl is None else {"ttl": ttl})
    return _success((yield from _answer(_request("POST", f"{origin}/", json=body))), lambda f: str(f["id"]))


def delete(origin: str, message_id: str) -> Operation[None]:
    _success((yield from _answer(_request("DELETE", _plain_url(origin, message_id)))), _nothing)


def _keys(secret: Secret, passphrase: str | None) -> Operation[Keys]:
    keys: Keys = (yield Compute(lambda: secret.keys(passphrase))) if passphrase else secret.keys(None)
    return keys


def _why_missing(link: str) -> Operation[errors.NotFound]:
    """What the receipt says of why there is nothing.

    Raises:
        NotFound: There is no receipt, either.
    """
    receipt = yield from status(link)
    if receipt.at is None:
        return errors.NotFound("There is no such message.")
    return errors.AlreadyRead(receipt.at) if receipt.state == "read" else errors.Destroyed(receipt.at)


def _plain_id(link: str) -> str | None:
    """The id in a plain message's link, such as https://example.org/k3x9q; None for a sealed one's."""
    address, _, secret = link.partition("#")
    path = address.partition("?")[0].partition("://")[2].partition("/")[2].strip("/")
    return path if path and not secret else None


def _plain_url(origin: str, message_id: str) -> str:
    if not ids.is_plain(message_id):
        raise errors.NotFound("There is no such message: this is no id of one.")
    return f"{origin}/{message_id}"


def _authorization(secret: Secret, keys: Keys | None = None) -> dict[str, str]:
    token = encode_base64url(secret.proof)
    if keys is not None and keys.passphrase_proof is not None:
        token += "." + encode_base64url(keys.passphrase_proof)
    return {"Authorization": f"Bearer {token}"}


def _nonce() -> dict[str, str]:
    """For a minute, whoever has it may ask for the same message again."""
    return {"Idempotency-Key": secrets.token_urlsafe(16)}


def _acknowledgement(url: str, headers: dict[str, str]) -> Ask:
    return Ask(_request("DELETE", url, timeout=COURTESY_TIMEOUT, headers=headers))


def _request(method: str, url: str, *, timeout: float = TIMEOUT, **options: Any) -> httpx.Request:
    return httpx.Request(method, url, extensions={"timeout": httpx.Timeout(timeout).as_dict()}, **options)


def _answer(request: httpx.Request, patient_pauses: tuple[float, ...] = ()) -> Operation[httpx.Response]:
    """Send the request, again and again if it has to be; its extension `attempts` says how often it was.

    `patient_pauses` follow on the usual ones where the service may have done what it was asked.

    Raises:
        Unavailable: No response came; as `AnswerLost` if the service may have got the request.
    """
    has_arrived = False
    pauses: Iterator[float] = iter(PAUSES)
    for attempt in count(1):
        request.extensions["attempts"] = attempt
        outcome: httpx.Response | httpx.RequestError = yield Ask(request)
        if isinstance(outcome, httpx.RequestError) and not has_arrived and not isinstance(outcome, _NEVER_SENT):
            has_arrived, pauses = True, chain(pauses, patient_pauses)
        pause = next(pauses, None)
        if isinstance(outcome, httpx.Response):
            if pause is None or outcome.status_code not in REPEATED:
                return outcome
            pause = min(max(_retry_after(outcome), pause), MAX_PAUSE)
        elif pause is None:
            kind = errors.AnswerLost if has_arrived else errors.Unavailable
            raise kind(f"{request.url.host} cannot be reached ({type(outcome).__name__}).")
        yield Pause(pause)
    raise AssertionError  # pragma: no cover


def _success(response: httpx.Response, parse: Callable[[dict[str, Any]], T]) -> T:
    """What `parse` makes of the fields of an answer of success.

    Raises:
        CryptApiError: It is none.
    """
    try:
        fields = response.json() if response.content else {}
        if response.is_success:
            return parse(fields)
        text, tries_left = str(fields["error"]), fields.get("tries_left")
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        is_down = "is not available now" if response.is_server_error else "is not this service"
        raise errors.Unavailable(f"What answers there ({response.status_code}) {is_down}.") from None
    raise _refusal(response, text, tries_left)


def _message(fields: dict[str, Any]) -> str:
    return str(fields["message"])


def _nothing(_: dict[str, Any]) -> None:
    return None


def _refusal(response: httpx.Response, text: str, tries_left: int | None) -> errors.CryptApiError:
    status = response.status_code
    if tries_left is not None:
        return (
            errors.PassphraseRequired(tries_left)
            if status == httpx.codes.UNAUTHORIZED
            else errors.WrongPassphrase(tries_left)
        )
    if text == UnexpectedPassphrase.text:
        return errors.UnexpectedPassphrase("The message has no passphrase. Nothing was read.")
    if status == httpx.codes.NOT_FOUND:
        return errors.NotFound("There is no such message.")
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return errors.ContentTooLarge(text)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return errors.RateLimited(_retry_after(response))
    return errors.Unavailable(text) if response.is_server_error else errors.Refused(text)


def _retry_after(response: httpx.Response) -> float:
    """Seconds."""
    text = response.headers.get("retry-after", "1")
    return float(text) if text.isdecimal() else 1.0
