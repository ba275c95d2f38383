"""Asking for a secret: the vectors that all clients share, and what holds for any question and any answer."""

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.content import Content
from crypt_api.client.errors import BadEnvelope, InvalidLink
from crypt_api.client.links import parse_link
from crypt_api.client.manifest import Manifest
from crypt_core.encoding import decode_base64url, digest, encode_base64url
from tests.support.platforms import ROOT
from vectors import hpke
from vectors.make import as_content
from vectors.make_ask import main as make_vectors
from vectors.make_ask import sealed_by

VECTORS = json.loads((ROOT / "vectors/ask.json").read_text())
SECRET = AskSecret(bytes(range(16)))


def decoded(text: str) -> bytes:
    return decode_base64url(text, len(text) * 3 // 4) or b""


def test_the_vectors_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    make_vectors()
    assert capsys.readouterr().out == (ROOT / "vectors/ask.json").read_text()


def test_the_vectors_are_made_as_rfc_9180_has_it() -> None:
    """The library that opens them seals with a key that it draws itself, so it cannot repeat the RFC's own vector."""
    rfc = {name: decoded(value) for name, value in VECTORS["hpke"].items()}
    sealed = hpke.seal(rfc["pkRm"], rfc["skEm"], rfc["info"], rfc["pt"], rfc["aad"])
    assert sealed == rfc["enc"] + rfc["ct"]


@pytest.mark.parametrize("case", VECTORS["derivations"], ids=lambda case: case["name"])
def test_everything_is_derived_from_the_askers_secret(case: dict[str, Any]) -> None:
    secret = AskSecret(decoded(case["secret"]))
    key = AnswerKey(decoded(case["public_key"]))
    assert secret.answer_key == key
    assert secret.private_key.private_bytes_raw() == decoded(case["private_key"])
    assert (secret.id, key.id) == (case["id"], case["id"])
    assert key.question_key == decoded(case["question_key"])
    assert (encode_base64url(key.proof), digest(key.proof)) == (case["answer_proof"], case["answer_hash"])
    assert (encode_base64url(secret.proof), digest(secret.proof)) == (case["ask_proof"], case["proof_hash"])
    assert parse_link(case["answer_link"]).secret == key
    assert parse_link(case["ask_link"]).secret == secret
    assert (key.link("https://example.org"), secret.link("https://example.org")) == (
        case["answer_link"],
        case["ask_link"],
    )


@pytest.mark.parametrize("case", VECTORS["questions"], ids=lambda case: case["text"])
def test_good_questions(case: dict[str, Any]) -> None:
    key = AnswerKey(decoded(case["public_key"]))
    assert key.seal_question(case["text"], nonce=decoded(case["nonce"])) == case["envelope"]
    assert key.unseal_question(case["envelope"]) == case["text"]


@pytest.mark.parametrize("case", VECTORS["bad_questions"], ids=lambda case: case["why"])
def test_bad_questions(case: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope) as bad:
        AnswerKey(decoded(case["public_key"])).unseal_question(case["envelope"])
    assert (bad.value.__cause__, bad.value.__context__) == (None, None)


@pytest.mark.parametrize("case", VECTORS["answers"], ids=lambda case: case["name"])
def test_good_answers(case: dict[str, Any]) -> None:
    secret = AskSecret(decoded(case["secret"]))
    if "list" in case:
        content: Content | Manifest = Manifest.from_list(case["list"], case["note"], decoded(case["inline"]))
    else:
        content = as_content(case["content"])
    answer = encode_base64url(sealed_by(decoded(case["ephemeral"]), secret.answer_key, content))
    if "answer" in case:
        assert answer == case["answer"]
    else:
        assert hashlib.sha256(answer.encode()).hexdigest() == case["answer_sha256"]
    assert len(answer) == case["characters"] <= 142_062
    assert secret.unseal(answer) == content
    assert len(secret.answer_key.seal(content)) == len(answer)


@pytest.mark.parametrize("case", VECTORS["bad_answers"], ids=lambda case: case["why"])
def test_bad_answers(case: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope) as bad:
        AskSecret(decoded(case["secret"])).unseal(case["answer"])
    assert (bad.value.__cause__, bad.value.__context__) == (None, None)


@pytest.mark.parametrize("case", VECTORS["bad_keys"], ids=lambda case: case["why"])
def test_nothing_is_sealed_for_a_key_with_which_anybody_could_open_it(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidLink) as bad:
        AnswerKey(decoded(case["public_key"])).seal(Content.from_text("unmistakable"))
    assert (bad.value.__cause__, bad.value.__context__) == (None, None)


@pytest.mark.parametrize("case", VECTORS["links"]["good"], ids=lambda case: case["name"])
def test_what_is_left_of_a_link_is_taken(case: dict[str, Any]) -> None:
    link = parse_link(case["link"])
    kind = AskSecret if "ask" in case else AnswerKey
    assert (link.origin, link.secret) == (case["origin"], kind(decoded(case.get("ask") or case["answer"])))


@pytest.mark.parametrize("case", VECTORS["links"]["bad"], ids=lambda case: case["why"])
def test_a_link_that_lacks_a_part_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidLink) as error:
        parse_link(case["link"])
    assert "q83v" not in str(error.value)
    kind = re.search(r"org/#?((?:ask|answer)\.)[\w-]", case["link"])
    assert f"ends in #{kind[1] if kind else ''} and" in str(error.value)


@given(st.text(max_size=9_000))
def test_any_answer_is_opened_by_the_asker_alone(text: str) -> None:
    answer = SECRET.answer_key.seal(Content.from_text(text))
    assert SECRET.unseal(answer) == Content.from_text(text)
    assert SECRET.answer_key.unseal_question(SECRET.answer_key.seal_question(text)) == text
    with pytest.raises(BadEnvelope):
        AskSecret.generate().unseal(answer)


def test_a_newer_answer_is_told_as_that() -> None:
    newer = [case for case in VECTORS["bad_answers"] if case["why"] in ("the version is 6", "the inner version is 4")]
    for case in newer:
        with pytest.raises(BadEnvelope, match="newer version"):
            AskSecret(decoded(case["secret"])).unseal(case["answer"])
    assert len(newer) == 2


def test_nothing_shows_a_secret_or_a_key() -> None:
    shown = repr(SECRET) + repr(SECRET.answer_key)
    for value in (SECRET.value, SECRET.answer_key.value):
        assert repr(value) not in shown
        assert encode_base64url(value) not in shown
