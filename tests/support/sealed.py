"""Sealed messages as an HTTP client makes them: what a real client derives is random here."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Sealed:
    """One message's id and proofs."""

    id: str = field(default_factory=lambda: encode(secrets.token_bytes(16)))
    proof: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    passphrase_proof: bytes | None = None

    @property
    def body(self) -> dict[str, Any]:
        body = {"message": "envelope", "proof_hash": encode(hashlib.sha256(self.proof).digest())}
        if self.passphrase_proof:
            body["passphrase_hash"] = encode(hashlib.sha256(self.passphrase_proof).digest())
        return body

    @property
    def path(self) -> str:
        return "/" + self.id

    @property
    def headers(self) -> dict[str, str]:
        """What a reader sends who has the link alone."""
        return {"Authorization": f"Bearer {encode(self.proof)}"}

    def with_passphrase(self, proof: bytes | None = None) -> dict[str, str]:
        text = encode(proof or self.passphrase_proof or b"")
        return {"Authorization": f"Bearer {encode(self.proof)}.{text}"}


@dataclass
class Asked(Sealed):
    """A question, or its answer."""

    answer_proof: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def body(self) -> dict[str, Any]:
        return super().body | {"answer_hash": encode(hashlib.sha256(self.answer_proof).digest())}

    @property
    def answer_headers(self) -> dict[str, str]:
        """What somebody sends who has the link to answer."""
        return {"Authorization": f"Bearer {encode(self.answer_proof)}"}


def put(client: httpx.Client, **fields: Any) -> Sealed:
    sealed = Sealed()
    answer = client.put(sealed.path, json=sealed.body | fields)
    assert answer.status_code == 201, answer.text
    return sealed


def put_question(client: httpx.Client) -> Asked:
    asked = Asked()
    created = client.put(asked.path, json=asked.body | {"message": "question", "ttl": 3_600})
    assert created.status_code == 201, created.text
    return asked


def put_answer(client: httpx.Client, asked: Asked, message: str = "answer") -> httpx.Response:
    return client.put(asked.path + "/answer", json={"message": message}, headers=asked.answer_headers)


def put_locked(client: httpx.Client) -> Sealed:
    sealed = Sealed(passphrase_proof=secrets.token_bytes(32))
    assert client.put(sealed.path, json=sealed.body).status_code == 201
    return sealed


def receipt(client: httpx.Client, sealed: Sealed) -> dict[str, Any]:
    answer = client.get(sealed.path + "/status", headers=sealed.headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert list(told) == ["state", "passphrase", "reads_left", "at", "expires_at"]
    return told
