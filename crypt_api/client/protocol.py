"""What a client and the service say to each other: one function for each conversation.

A conversation is a generator of steps (`steps.py`): it asks, and a driver carries out. Nothing here waits or sends.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx

from crypt_api.client import errors
from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.attachments import Files
from crypt_api.client.content import MAX_CONTENT_BYTES, Content, check_size, encode, utf8
from crypt_api.client.downloads import Download, download_of
from crypt_api.client.envelope import Keys, Secret
from crypt_api.client.links import parse_link, plain_url, sealed_link
from crypt_api.client.manifest import Manifest
from crypt_api.client.receipts import Receipt, Sent, parse_receipt, parse_time
from crypt_api.client.requests import create_token, make_request
from crypt_api.client.responses import parse
from crypt_api.client.retries import PATIENT, ask
from crypt_api.client.steps import Ask, Compute, Conversation
from crypt_api.client.uploads import Upload, ask_limits
from crypt_core import ids
from crypt_core.encoding import digest, encode_base64url

ACKNOWLEDGEMENT_TIMEOUT = 5.0
"""Seconds that a connection may be silent after an acknowledgement, whose answer does not matter."""


@dataclass(frozen=True)
class Outgoing:
    """A message to send.

    Attributes:
        text: The text, or the note to the files.
        files: The files; none for a text.
        ttl: Seconds until the message expires; None is the service's default.
        reads: How often the message can be read.
        passphrase: What the reader needs besides the link.
        notify: The reference that the service's webhook is told; None if nobody is to be told.
    """

    text: str = field(repr=False)
    files: Files
    ttl: int | None
    reads: int
    passphrase: str | None = field(repr=False)
    notify: str | None


@dataclass(frozen=True)
class Leased:
    """A message that was read, and that the service keeps for this client until the lease ends.

    Attributes:
        text: The text, or the note to the files.
        download: The files; None for a text.
        acknowledgement: The request that ends the lease. Without it, the lease ends after a minute.
    """

    text: str = field(repr=False)
    download: Download | None
    acknowledgement: httpx.Request = field(repr=False)


def send(origin: str, outgoing: Outgoing, token: str | None, upload: Upload) -> Conversation[Sent]:
    """Send the message; first the parts of its files, if they do not fit into the message itself."""
    check_text(outgoing.text, outgoing.files)
    secret, headers = Secret.generate(), create_token(token)
    keys = yield from _keys(secret, outgoing.passphrase)
    content: Content | Manifest | None = yield Compute(lambda: fitting(outgoing.text, outgoing.files))
    if content is None:
        limits = yield from ask_limits(origin)
        ttl = limits.default_ttl if outgoing.ttl is None else outgoing.ttl
        content = yield from upload.send_parts(limits, outgoing.text, ttl, outgoing.reads)
    body: dict[str, Any] = {
        "message": secret.seal(content, keys),
        "proof_hash": digest(secret.proof),
        "reads": outgoing.reads,
    }
    if keys.passphrase_proof is not None:
        body["passphrase_hash"] = digest(keys.passphrase_proof)
    body |= options(outgoing.ttl, outgoing.notify)
    last = yield from ask(make_request("PUT", f"{origin}/{secret.id}", json=body, headers=headers))
    return parse(last, lambda fields: Sent(secret.link(origin), parse_time(fields["expires_at"])))


def read(link: str, passphrase: str | None, idempotency_key: str) -> Conversation[Leased]:
    """Read the message at `link`, sealed or plain."""
    parsed = parse_link(link)
    origin, secret = parsed.origin, parsed.secret
    headers = {"Idempotency-Key": idempotency_key}
    if secret is None:
        if passphrase:
            raise errors.UnexpectedPassphrase("A plain message has no passphrase. Nothing was read.")
        url = plain_url(origin, parsed.plain_id)
        last = yield from ask(make_request("GET", url, headers=headers), PATIENT)
        if last.may_have_arrived and last.response.status_code == HTTPStatus.NOT_FOUND:
            raise errors.NotFound("There is no such message. Perhaps this call has read it, and the answer was lost.")
        return Leased(Content.from_text(parse(last, _message)).text, None, _acknowledgement(url, headers))
    secret = _readers(secret)
    if isinstance(secret, AskSecret):
        if passphrase:
            raise errors.UnexpectedPassphrase("An answer has no passphrase. Nothing was read.")
        unseal, proofs = secret.unseal, authorization(secret.proof)
    else:
        keys = yield from _keys(secret, passphrase)
        unseal, proofs = partial(secret.unseal, keys=keys), authorization(secret.proof, keys.passphrase_proof)
    url, headers = f"{origin}/{secret.id}", headers | proofs
    last = yield from ask(make_request("GET", url, headers=headers), PATIENT)
    if last.response.status_code == HTTPStatus.NOT_FOUND:
        reason = yield from why_missing(link)
        # An earlier attempt may have got the message, for longer ago than the lease lasts.
        if last.may_have_arrived and isinstance(reason, errors.AlreadyRead):
            raise errors.LostRead(reason.at)
        raise reason
    content = unseal(parse(last, _message))
    download = download_of(origin, content)
    text = content.text if isinstance(content, Content) and download is None else content.note
    return Leased(text, download, _acknowledgement(url, headers))


def acknowledge(leased: Leased) -> Conversation[None]:
    """Tell the service that the message has arrived. If this request gets lost, the lease ends by itself."""
    yield Ask(leased.acknowledgement)


def receipt(link: str) -> Conversation[Receipt]:
    origin, secret = sealed_link(link)
    request = make_request("GET", f"{origin}/{secret.id}/status", headers=authorization(secret.proof))
    return parse((yield from ask(request)), parse_receipt)


def destroy(link: str) -> Conversation[None]:
    """Destroy the message at `link`, sealed or plain."""
    parsed = parse_link(link)
    origin, secret = parsed.origin, parsed.secret
    if secret is None:
        last = yield from ask(make_request("DELETE", plain_url(origin, parsed.plain_id)))
        if last.may_have_arrived and last.response.status_code == HTTPStatus.NOT_FOUND:
            raise errors.NotFound("There is no such message. Perhaps this call has destroyed it; the answer was lost.")
        return parse(last, _nothing)
    secret = _readers(secret)
    last = yield from ask(make_request("DELETE", f"{origin}/{secret.id}", headers=authorization(secret.proof)))
    if last.response.status_code != HTTPStatus.NOT_FOUND:
        return parse(last, _nothing)
    reason = yield from why_missing(link)
    # After more than one attempt, an earlier one has probably destroyed the message, and its answer was lost.
    if not (last.attempts > 1 and isinstance(reason, errors.Destroyed)):
        raise reason
    return None


def options(ttl: int | None, notify: str | None) -> dict[str, Any]:
    """The fields of a message or a question that may be left out."""
    return {name: value for name, value in (("ttl", ttl), ("notify", notify)) if value is not None}


def create_plain(
    origin: str, message: str, ttl: int | None, notify: str | None, token: str | None
) -> Conversation[str]:
    body: dict[str, Any] = {"message": Content.from_text(message).text} | options(ttl, notify)
    last = yield from ask(make_request("POST", f"{origin}/", json=body, headers=create_token(token)))
    return parse(last, _plain_id)


def _keys(secret: Secret, passphrase: str | None) -> Conversation[Keys]:
    keys: Keys = (yield Compute(lambda: secret.keys(passphrase))) if passphrase else secret.keys(None)
    return keys


def why_missing(link: str) -> Conversation[errors.NotFound]:
    """Give the error that says, by the receipt, why there is no message.

    Raises:
        NotFound: There is no receipt, either.
    """
    found = yield from receipt(link)
    if found.at is None:
        return errors.NotFound("There is no such message.")
    return errors.AlreadyRead(found.at) if found.state == "read" else errors.Destroyed(found.at)


def _readers(secret: Secret | AskSecret | AnswerKey) -> Secret | AskSecret:
    """Give what reads and destroys.

    Raises:
        WrongLink: It is the answer link.
    """
    if isinstance(secret, AnswerKey):
        raise errors.WrongLink("This is the link that answers. Use the other link, which the asker keeps: #ask.…")
    return secret


def authorization(proof: bytes, passphrase_proof: bytes | None = None) -> dict[str, str]:
    token = encode_base64url(proof)
    if passphrase_proof is not None:
        token += "." + encode_base64url(passphrase_proof)
    return {"Authorization": f"Bearer {token}"}


def _acknowledgement(url: str, headers: dict[str, str]) -> httpx.Request:
    return make_request("DELETE", url, silence=ACKNOWLEDGEMENT_TIMEOUT, headers=headers)


def check_text(text: str, files: Files) -> None:
    """Refuse a text that cannot be sent, before anything is sent."""
    check_size(utf8(text, "The text" if not len(files) else "The note"))


def fitting(note: str, files: Files) -> Content | Manifest | None:
    """Give the content with all bytes in it, in the oldest version that can say it; None if they do not fit."""
    if not len(files):
        return Content.from_text(note)
    if files.known_bytes > MAX_CONTENT_BYTES:
        return None
    files.seek(0)
    data = files.read(MAX_CONTENT_BYTES + 1)
    if len(data) > MAX_CONTENT_BYTES:
        return None
    entries = files.entries
    content: Content | Manifest = Manifest(entries, note, inline=data)
    if len(entries) == 1 and "/" not in entries[0].name:  # only a list keeps folders
        content = Content(data, entries[0].name, entries[0].media_type, note)
    with suppress(errors.ContentTooLarge):
        encode(content)
        return content
    return None


def _message(fields: dict[str, Any]) -> str:
    """Raises TypeError or ValueError for what is no text of UTF-8: no message is."""
    message = fields["message"]
    str.encode(message)
    return str(message)


def _nothing(_: dict[str, Any]) -> None:
    return None


def _plain_id(fields: dict[str, Any]) -> str:
    """Raises ValueError for a text that cannot be an id: it would be in a link, and on a terminal."""
    message_id = str(fields["id"])
    if not ids.is_plain(message_id):
        raise ValueError
    return message_id
