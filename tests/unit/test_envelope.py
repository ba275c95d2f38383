"""The sealed envelope: the vectors that all clients share, and what holds for any content."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypt_api.client.envelope import MAX_CONTENT_BYTES, STEP, Content, Secret
from crypt_api.client.errors import BadEnvelope, ContentTooLarge, InvalidText
from crypt_api.client.receipts import Sent
from crypt_core.encoding import decode_base64url, encode_base64url
from crypt_core.http.message_fields import MAX_ENVELOPE_BYTES
from tests.support.platforms import ROOT
from vectors.make import TEXT_HEADER, as_content
from vectors.make import main as make_vectors

VECTORS = json.loads((ROOT / "vectors/envelopes.json").read_text())
SECRET = Secret(bytes(range(16)))
KEYS = SECRET.keys(None)

contents = st.one_of(
    st.builds(Content.from_text, st.text(max_size=9_000)),
    st.builds(Content, st.binary(max_size=9_000), st.text(max_size=50), st.text(max_size=50), st.text(max_size=50)),
)


def secret_of(case: dict[str, Any]) -> Secret:
    return Secret(decode_base64url(case["secret"], 16) or b"")


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_good_vectors(case: dict[str, Any]) -> None:
    secret = secret_of(case)
    keys = secret.keys(case["passphrase"])
    assert secret.id == case["id"]
    assert encode_base64url(secret.proof) == case["proof"]
    assert encode_base64url(hashlib.sha256(secret.proof).digest()) == case["proof_hash"]
    if case["passphrase_hash"] is None:
        assert keys.passphrase_proof is None
    else:
        assert keys.passphrase_proof is not None
        assert encode_base64url(hashlib.sha256(keys.passphrase_proof).digest()) == case["passphrase_hash"]
    content = as_content(case["content"])
    envelope = secret.seal(content, keys, nonce=decode_base64url(case["nonce"], 12))
    if "envelope" in case:
        assert envelope == case["envelope"]
    else:
        assert hashlib.sha256(envelope.encode()).hexdigest() == case["envelope_sha256"]
    assert secret.unseal(envelope, keys) == content


@pytest.mark.parametrize("case", VECTORS["unusual"], ids=lambda case: case["why"])
def test_unusual_vectors(case: dict[str, Any]) -> None:
    """No client of this project writes them, and each opens them."""
    secret = secret_of(case)
    assert secret.unseal(case["envelope"], secret.keys(None)) == as_content(case["content"])


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_bad_vectors(case: dict[str, Any]) -> None:
    secret = secret_of(case)
    with pytest.raises(BadEnvelope):
        secret.unseal(case["envelope"], secret.keys(case["passphrase"]))


def test_the_vectors_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    make_vectors()
    assert capsys.readouterr().out == (ROOT / "vectors/envelopes.json").read_text()


@given(contents)
def test_sealed_content_is_unsealed(content: Content) -> None:
    assert SECRET.unseal(SECRET.seal(content, KEYS), KEYS) == content


@given(st.lists(st.integers(0, MAX_CONTENT_BYTES), min_size=2, max_size=2))
def test_the_length_tells_the_size_to_a_step_only(sizes: list[int]) -> None:
    one, other = (len(SECRET.seal(Content(bytes(size)), KEYS)) for size in sizes)
    steps = {(TEXT_HEADER + size + 1 + STEP - 1) // STEP for size in sizes}
    assert (one == other) == (len(steps) == 1)


@given(st.integers(0, 28 + STEP), st.integers(1, 255))
@settings(max_examples=300)
def test_any_changed_byte_is_detected(position: int, change: int) -> None:
    envelope = SECRET.seal(Content.from_text("hello"), KEYS)
    data = bytearray(decode_base64url(envelope, 29 + STEP) or b"")
    data[position] ^= change
    with pytest.raises(BadEnvelope):
        SECRET.unseal(encode_base64url(bytes(data)), KEYS)


def test_an_envelope_belongs_to_one_link_and_one_passphrase() -> None:
    envelope = SECRET.seal(Content.from_text("hello"), KEYS)
    other = Secret.generate()
    with pytest.raises(BadEnvelope):
        other.unseal(envelope, KEYS)
    with pytest.raises(BadEnvelope):
        SECRET.unseal(envelope, SECRET.keys("x"))


def test_the_largest_envelope_is_the_largest_that_the_service_takes() -> None:
    name = "x" * 3_950
    largest = SECRET.seal(Content(bytes(MAX_CONTENT_BYTES), name, ""), KEYS)
    assert len(largest) == MAX_ENVELOPE_BYTES
    with pytest.raises(ContentTooLarge, match="more than 102,400 bytes"):
        SECRET.seal(Content(bytes(MAX_CONTENT_BYTES + 1)), KEYS)
    with pytest.raises(ContentTooLarge, match="name is too long"):
        SECRET.seal(Content(b"", "x" * 4_000, ""), KEYS)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_an_error_shows_nothing_of_the_message(case: dict[str, Any]) -> None:
    secret = secret_of(case)
    with pytest.raises(BadEnvelope) as bad:
        secret.unseal(case["envelope"], secret.keys(case["passphrase"]))
    with pytest.raises(InvalidText) as invalid:
        Content.from_text("secret\ud800")
    for error in (bad.value, invalid.value):
        assert (error.__cause__, error.__context__) == (None, None)
        assert str(error).isascii()


def test_nothing_shows_a_secret() -> None:
    shown = (
        repr(SECRET) + repr(KEYS) + repr(SECRET.keys("x")) + repr(Content(b"unmistakable", "name", note="unmistakable"))
    )
    assert "unmistakable" not in shown
    assert encode_base64url(SECRET.value) not in shown
    assert repr(SECRET.value) not in shown
    assert repr(KEYS.key) not in shown
    sent = Sent(SECRET.link("https://example.org"), datetime.now(UTC))
    assert encode_base64url(SECRET.value) not in repr(sent)
