"""Asking and answering: what the client of an asker, and that of an answerer, say to the service.

The answer is read, and a question destroyed, as any message is: `protocol.py` does that with the ask link.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.content import Content
from crypt_api.client.errors import AnswerLost, CryptApiError, TokenRequired
from crypt_api.client.links import answer_link
from crypt_api.client.manifest import Manifest
from crypt_api.client.protocol import authorization, check_text, fitting, options, why_missing
from crypt_api.client.receipts import Asked, Question, parse_time
from crypt_api.client.requests import create_token, make_request
from crypt_api.client.responses import parse
from crypt_api.client.retries import PATIENT, ask
from crypt_api.client.steps import Compute, Conversation
from crypt_api.client.uploads import Upload, ask_limits
from crypt_core.encoding import digest, encode_base64url, whole_number


def ask_for(origin: str, question: str, ttl: int | None, notify: str | None, token: str | None) -> Conversation[Asked]:
    """Store the question."""
    headers, secret = create_token(token), AskSecret.generate()
    key = secret.answer_key
    body: dict[str, Any] = {
        "message": key.seal_question(question),
        "proof_hash": digest(secret.proof),
        "answer_hash": digest(key.proof),
    } | options(ttl, notify)
    last = yield from ask(make_request("PUT", f"{origin}/{key.id}", json=body, headers=headers))
    return parse(last, lambda it: Asked(key.link(origin), secret.link(origin), parse_time(it["expires_at"])))


def get_question(link: str) -> Conversation[Question]:
    origin, key = answer_link(link)
    last = yield from ask(make_request("GET", f"{origin}/{key.id}/question", headers=authorization(key.proof)))
    if last.response.status_code == HTTPStatus.NOT_FOUND:
        raise (yield from why_missing(link))
    return parse(last, lambda fields: _question(key, fields))


def answer(link: str, text: str, upload: Upload) -> Conversation[datetime]:
    """Answer the question; first send the parts of the files, if they do not fit into the answer itself."""
    origin, key = answer_link(link)
    check_text(text, upload.files)
    content: Content | Manifest | None = yield Compute(lambda: fitting(text, upload.files))
    if content is None:
        content = yield from _send_parts(link, origin, text, upload)
    body = {"message": key.seal(content)}  # once: the service knows an answer that is sent again by its bytes
    request = make_request("PUT", f"{origin}/{key.id}/answer", json=body, headers=authorization(key.proof))
    upload.may_be_in_use = True  # also if this ends without an answer of the service, as by Ctrl-C
    try:
        last = yield from ask(request, PATIENT)
        if last.response.status_code == HTTPStatus.NOT_FOUND:
            raise (yield from why_missing(link))
        return parse(last, lambda fields: parse_time(fields["expires_at"]))
    except CryptApiError as error:
        upload.may_be_in_use = isinstance(error, AnswerLost)
        raise


def upload_token(key: AnswerKey) -> str:
    """What the service takes instead of a token to create messages, for the parts of an answer."""
    return f"{key.id}.{encode_base64url(key.proof)}"


def _send_parts(link: str, origin: str, note: str, upload: Upload) -> Conversation[Manifest]:
    question = yield from get_question(link)  # refused before anything is sent
    limits = yield from ask_limits(origin)
    try:
        return (yield from upload.send_parts(limits, note, question.answer_ttl, 1))
    except TokenRequired:
        yield from get_question(link)  # somebody else has answered meanwhile: that is the reason
        raise


def _question(key: AnswerKey, fields: dict[str, Any]) -> Question:
    """Raises KeyError, TypeError or ValueError for fields that are not a question's, and BadEnvelope."""
    ttl = whole_number(fields["ttl"])
    if ttl is None or ttl <= 0:
        raise ValueError
    return Question(key.unseal_question(str(fields["message"])), parse_time(fields["expires_at"]), ttl)
