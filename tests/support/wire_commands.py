"""The commands of the decision as HTTP requests, and the responses as outcomes: so that `decide` can be the model.

In the commands, proofs and keys are names; on the wire they are what a client would send.
"""

import hashlib
import random
from collections.abc import Callable
from typing import Any

import httpx

from crypt_core.commands import Acknowledge, Answer, Command, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.outcomes import (
    Acknowledged,
    AlreadyAnswered,
    Answered,
    Created,
    Destroyed,
    Granted,
    IdTaken,
    Missing,
    NotAnswered,
    Outcome,
    PassphraseRequired,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    WrongPassphrase,
)
from crypt_core.record import AccessHashes
from tests.support.sealed import encode

DAY = 86_400  # seconds
CREATE = Create("envelope", DAY, AccessHashes("proof", "passphrase"), 2, "request")
COMMANDS: list[Command] = [
    CREATE,
    CREATE,
    Read("proof", "passphrase"),
    Read("proof", "passphrase", "a"),
    Read("proof", "passphrase", "b"),
    Read("proof", "wrong"),
    Read("proof"),
    Read("another", "passphrase"),
    Acknowledge("proof", "a"),
    Destroy("proof"),
    GetReceipt("proof"),
]
"""What the callers of one sealed message do, who know its link and passphrase, or guess at them."""

QUESTION = Create("question", DAY, AccessHashes("proof"), 1, "request", "answer proof")
ASKED: list[Command] = [
    QUESTION,
    QUESTION,
    GetQuestion("answer proof"),
    Answer("an answer", "answer proof", "an answer"),
    Answer("another", "answer proof", "another"),
    Answer("another", "proof", "another"),
    Read("proof"),
    Read("proof", None, "a"),
    Read("proof", None, "b"),
    Acknowledge("proof", "a"),
    Destroy("proof"),
    GetReceipt("answer proof"),
]
"""What an asker does, and two who answer."""


async def send(client: httpx.AsyncClient, message_id: str, command: Command) -> Outcome | None:
    """Send the command; return what the caller is told, and None for a 503 or a lost answer."""
    method, suffix, body = "GET", "", None
    match command:
        case Create():
            method = "PUT"
            body = {"message": command.content, "ttl": command.ttl, **_creation(command)}
        case Answer():
            method, suffix, body = "PUT", "/answer", {"message": command.content}
        case GetQuestion():
            suffix = "/question"
        case Destroy() | Acknowledge():
            method = "DELETE"
        case GetReceipt():
            suffix = "/status"
    try:
        response = await client.request(method, f"/{message_id}{suffix}", json=body, headers=_headers(command))
    except httpx.TransportError:
        return None
    return None if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else _outcome(command, response)


def random_id(chosen: random.Random) -> str:
    """An id of a sealed message."""
    return encode(chosen.randbytes(16))


def _secret(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _hash(name: str) -> str:
    return encode(hashlib.sha256(_secret(name)).digest())


def _creation(command: Create) -> dict[str, Any]:
    """What a message has, and a question has not, or the other way round."""
    if command.answer_hash:
        return {"proof_hash": _hash("proof"), "answer_hash": _hash(command.answer_hash)}
    hashes = {"proof_hash": _hash("proof"), "passphrase_hash": _hash("passphrase")}
    return {**hashes, "reads": command.reads}


def _headers(command: Command) -> dict[str, str]:
    if isinstance(command, Create):
        return {}
    token = encode(_secret(command.proof_hash or ""))
    if isinstance(command, Read) and command.passphrase_hash is not None:
        token += "." + encode(_secret(command.passphrase_hash))
    key = getattr(command, "idempotency_hash", None)
    return {"Authorization": f"Bearer {token}"} | ({} if key is None else {"Idempotency-Key": key})


def _outcome(command: Command, response: httpx.Response) -> Outcome:
    body: dict[str, Any] = response.json() if response.content else {}
    kind = type(command).__name__
    if response.status_code == httpx.codes.NOT_FOUND:
        return Missing()
    assert (kind, response.status_code) in _OUTCOMES, f"{kind}: {response.status_code} {response.text}"
    return _OUTCOMES[kind, response.status_code](body)


_OUTCOMES: dict[tuple[str, int], Callable[[dict[str, Any]], Outcome]] = {
    ("Create", 201): lambda _: Created(0.0),
    ("Create", 200): lambda _: Repeated(0.0),
    ("Create", 409): lambda _: IdTaken(),
    ("Read", 200): lambda body: Granted(body["message"]),
    ("Read", 401): lambda body: PassphraseRequired(body["tries_left"]),
    ("Read", 403): lambda body: WrongPassphrase(body["tries_left"]),
    ("Read", 409): lambda _: NotAnswered(),
    ("GetQuestion", 200): lambda body: Question(body["message"], body["ttl"], 0.0),
    ("GetQuestion", 409): lambda _: AlreadyAnswered(),
    ("Answer", 201): lambda _: Answered(0.0),
    ("Answer", 200): lambda _: RepeatedAnswer(0.0),
    ("Answer", 409): lambda _: AlreadyAnswered(),
    ("Acknowledge", 204): lambda _: Acknowledged(),
    ("Destroy", 204): lambda _: Destroyed(),
    ("GetReceipt", 200): lambda body: Receipt(body["state"], body["passphrase"], body["reads_left"], None, 0.0),
}
