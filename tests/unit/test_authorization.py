"""What a request proves: `Authorization` and `Idempotency-Key`, of which only digests are passed on."""

from collections.abc import AsyncIterator

import pytest

from crypt_core.encoding import digest, encode_base64url
from crypt_core.http.authorization import Proofs, idempotency_hash, proofs
from crypt_core.http.errors import AuthorizationRequired, InvalidIdempotencyKey, MessageNotFound
from crypt_core.http.types import Request

PROOF, PASSPHRASE_PROOF = bytes(range(32)), bytes(range(32, 64))
TEXT, PASSPHRASE_TEXT = encode_base64url(PROOF), encode_base64url(PASSPHRASE_PROOF)


async def no_body() -> AsyncIterator[bytes]:
    yield b""


def request(**headers: str) -> Request:
    return Request(
        "http", "GET", "/", {name.replace("_", "-"): value for name, value in headers.items()}, "", no_body()
    )


@pytest.mark.parametrize(
    ("header", "passphrase_hash"),
    [
        (f"Bearer {TEXT}", None),
        (f"bearer {TEXT}", None),
        (f"BEARER   {TEXT}  ", None),
        (f"  Bearer {TEXT}", None),
        (f"Bearer {TEXT}.{PASSPHRASE_TEXT}", digest(PASSPHRASE_PROOF)),
        # What cannot be a passphrase's proof is a wrong one: no passphrase has an empty hash.
        (f"Bearer {TEXT}.", ""),
        (f"Bearer {TEXT}.x", ""),
        (f"Bearer {TEXT}.{PASSPHRASE_TEXT}.{PASSPHRASE_TEXT}", ""),
        (f"Bearer {TEXT}.{PASSPHRASE_TEXT}=", ""),
    ],
)
def test_the_digests_of_the_proofs_are_passed_on(header: str, passphrase_hash: str | None) -> None:
    assert proofs(request(authorization=header)) == Proofs(digest(PROOF), passphrase_hash)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "  Bearer  ", f"Basic {TEXT}", f"BearerX {TEXT}", TEXT])
def test_without_a_bearer_token_a_proof_is_required(header: str) -> None:
    with pytest.raises(AuthorizationRequired):
        proofs(request(authorization=header))


def test_without_the_header_a_proof_is_required() -> None:
    with pytest.raises(AuthorizationRequired):
        proofs(request())


@pytest.mark.parametrize(
    "token", ["x", TEXT[:-1], TEXT + "A", TEXT + "=", "+" * 43, f".{PASSPHRASE_TEXT}", f"{TEXT} x"]
)
def test_a_token_that_cannot_be_a_proof_is_a_wrong_proof(token: str) -> None:
    with pytest.raises(MessageNotFound):
        proofs(request(authorization=f"Bearer {token}"))


@pytest.mark.parametrize("key", ["k", "!~", "x" * 255])
def test_the_digest_of_the_key_is_passed_on(key: str) -> None:
    assert idempotency_hash(request(idempotency_key=key)) == digest(key.encode())


def test_without_a_key_there_is_no_lease() -> None:
    assert idempotency_hash(request()) is None


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é", "a\tb", "\x7f"])
def test_an_invalid_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        idempotency_hash(request(idempotency_key=key))
