"""Lists of files, and parts: the vectors that all clients share, and what holds for any files."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.client.envelope import Secret
from crypt_api.client.errors import BadEnvelope, ContentTooLarge
from crypt_api.client.manifest import FileEntry, Manifest, bounded
from crypt_api.client.parts import MAX_PART_BYTES, MAX_SEALED_PART_BYTES, PartKeys, part_lengths
from crypt_core.encoding import decode_base64url, encode_base64url
from tests.support.platforms import ROOT
from vectors.make_files import main as make_vectors
from vectors.make_files import pattern

VECTORS = json.loads((ROOT / "vectors/files.json").read_text())
KEYS = PartKeys(decode_base64url(VECTORS["key"], 32) or b"")
SECRET = Secret(bytes(range(16)))


def decoded(text: str) -> bytes:
    return decode_base64url(text, len(text) * 3 // 4) or b""


def test_the_vectors_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    make_vectors()
    assert capsys.readouterr().out == (ROOT / "vectors/files.json").read_text()


@pytest.mark.parametrize("case", VECTORS["parts"], ids=lambda case: f"part {case['number']} of {case['length']} bytes")
def test_good_parts(case: dict[str, Any]) -> None:
    number, data = case["number"], pattern(case["length"])
    assert encode_base64url(KEYS.proof(number)) == case["proof"]
    assert KEYS.id(number) == case["id"]
    part = KEYS.seal(number, data, nonce=decoded(case["nonce"]))
    assert len(part) == case["part_bytes"] <= MAX_SEALED_PART_BYTES
    if "part" in case:
        assert encode_base64url(part) == case["part"]
    else:
        assert hashlib.sha256(part).hexdigest() == case["part_sha256"]
    assert KEYS.unseal(number, part, len(data)) == data


@pytest.mark.parametrize("case", VECTORS["bad_parts"], ids=lambda case: case["why"])
def test_bad_parts(case: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope) as bad:
        KEYS.unseal(case["number"], decoded(case["part"]), case["length"])
    assert (bad.value.__cause__, bad.value.__context__) == (None, None)


@pytest.mark.parametrize("case", VECTORS["lengths"], ids=lambda case: str(case["total"]))
def test_the_stream_is_cut_into_parts(case: dict[str, Any]) -> None:
    assert part_lengths(case["total"], case["part_bytes"]) == case["lengths"]


@pytest.mark.parametrize("case", VECTORS["manifests"], ids=lambda case: case["name"])
def test_good_manifests(case: dict[str, Any]) -> None:
    manifest = Manifest.from_list(case["list"], case["note"], decoded(case["inline"]))
    assert manifest.list_fields() == case["list"]
    assert manifest.part_lengths == case["part_lengths"]
    secret = Secret(decoded(case["secret"]))
    envelope = secret.seal(manifest, secret.keys(None), nonce=decoded(case["nonce"]))
    if "envelope" in case:
        assert envelope == case["envelope"]
    else:
        assert hashlib.sha256(envelope.encode()).hexdigest() == case["envelope_sha256"]
    assert secret.unseal(envelope, secret.keys(None)) == manifest


@pytest.mark.parametrize("case", VECTORS["bad_manifests"], ids=lambda case: case["why"])
def test_bad_manifests(case: dict[str, Any]) -> None:
    secret = Secret(decoded(case["secret"]))
    with pytest.raises(BadEnvelope) as bad:
        secret.unseal(case["envelope"], secret.keys(None))
    assert (bad.value.__cause__, bad.value.__context__) == (None, None)


def test_a_number_may_be_written_as_javascript_writes_it() -> None:
    assert bounded(json.loads("1.0")) == bounded(json.loads("1e0")) == 1
    for text in ("1.5", "true", "false", '"1"', "null", "[]", "-1"):
        with pytest.raises(ValueError, match=r"^$"):
            bounded(json.loads(text))


files = st.builds(FileEntry, st.text(max_size=30), st.text(max_size=30), st.integers(0, 1 << 40))


part_sizes = st.integers(1 << 19, MAX_PART_BYTES)


@given(st.lists(files, min_size=1, max_size=5), st.text(max_size=50), part_sizes)
def test_any_sealed_manifest_is_unsealed(entries: list[FileEntry], note: str, part_bytes: int) -> None:
    entries = [FileEntry(it.name, it.media_type, min(it.bytes, part_bytes * 1_000)) for it in entries]
    manifest = Manifest(tuple(entries), note, KEYS, part_bytes)
    keys = SECRET.keys(None)
    assert SECRET.unseal(SECRET.seal(manifest, keys), keys) == manifest
    assert sum(manifest.part_lengths) == manifest.total_bytes


def test_a_list_that_is_too_long_is_refused_before_it_is_sent() -> None:
    entries = tuple(FileEntry("x" * 1_100, "", 0) for _ in range(100))
    with pytest.raises(ContentTooLarge):
        SECRET.seal(Manifest(entries), SECRET.keys(None))


def test_nothing_shows_a_key_a_note_or_bytes() -> None:
    shown = repr(Manifest((FileEntry("a", "", 12),), "unmistakable", KEYS, 10)) + repr(
        Manifest((FileEntry("a", "", 12),), inline=b"unmistakable")
    )
    assert "unmistakable" not in shown
    assert repr(KEYS.key) not in shown
