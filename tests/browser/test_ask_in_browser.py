"""The page's questions and answers in real Chromium, tested with the same vectors as those of the Python client."""

import hashlib
import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from crypt_api.client.ask_keys import AskSecret
from crypt_api.client.content import Content
from crypt_core.encoding import encode_base64url
from tests.browser.test_envelope_in_browser import blank_page
from tests.support.platforms import ROOT

VECTORS = json.loads((ROOT / "vectors/ask.json").read_text())

MODULES = """
  const { decodeBase64url: decode, encodeBase64url: encode } = await import("/encoding.js");
  const { deriveAnswerKeys, deriveAskKeys, sealAnswer, unsealAnswer } = await import("/ask-keys.js");
  const { openWith } = await import("/hpke.js");
  const { BadEnvelope, hashProof, seal } = await import("/envelope.js");
  const { secretIn } = await import("/links.js");
  const { listFields } = await import("/manifest.js");
  const { readQuestion } = await import("/question.js");
  const bytes = (text) => new TextEncoder().encode(text);
  const outcome = (promise) => promise.then(
    (result) => result, (error) => (error instanceof BadEnvelope ? "BadEnvelope" : error.name));
"""

DERIVE = """async (cases) => Promise.all(cases.map(async ({ secret }) => {
  const keys = await deriveAskKeys(decode(secret));
  const { id, publicKey, proof } = keys.answering;
  return {
    id, private_key: encode(keys.privateKey), public_key: encode(publicKey), answer_proof: encode(proof),
    ask_proof: encode(keys.proof), answer_hash: await hashProof(proof), proof_hash: await hashProof(keys.proof),
  };
}))"""

QUESTIONS = """async (cases) => Promise.all(cases.map(async ({ public_key, nonce, text, envelope }) => {
  const keys = await deriveAnswerKeys(decode(public_key));
  const sealed = text === undefined ? "" : await seal({ data: bytes(text) }, keys, decode(nonce));
  return [sealed, await outcome(readQuestion(envelope, keys))];
}))"""

SEAL_AGAIN = """async (cases) => Promise.all(cases.map(async ({ secret, ephemeral, answer, content }) => {
  const keys = await deriveAskKeys(decode(secret));
  if (answer) {
    const opened = await unsealAnswer(answer, keys);
    const { note = "", name, mediaType } = opened;
    const shown = opened.files ? { note, list: listFields(opened), inline: encode(opened.inline) }
      : { note, name, mediaType, data: encode(opened.data) };
    return { answer: await sealAnswer(opened, keys.answering, decode(ephemeral)), ...shown };
  }
  const { name, media_type: mediaType, repeat, count } = content;
  const sealable = { data: bytes(repeat.repeat(count)), name, mediaType };
  return { answer: await sealAnswer(sealable, keys.answering, decode(ephemeral)) };
}))"""

REFUSED = """async ({ bad_answers, bad_keys }) => [
  ...(await Promise.all(bad_answers.map(async ({ secret, answer }) => {
    const keys = await deriveAskKeys(decode(secret));
    return outcome(unsealAnswer(answer, keys));
  }))),
  ...(await Promise.all(bad_keys.map(async ({ public_key }) => {
    const keys = await deriveAnswerKeys(decode(public_key));
    return outcome(sealAnswer({ data: bytes("x") }, keys));
  }))),
]"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return blank_page(browser)


def run(page: Page, function: str, argument: Any) -> Any:
    return page.evaluate(f"async (argument) => {{ {MODULES} return ({function})(argument); }}", argument)


def test_keys_and_questions_are_those_of_the_vectors(page: Page) -> None:
    for derived, case in zip(run(page, DERIVE, VECTORS["derivations"]), VECTORS["derivations"], strict=True):
        assert derived == {name: case[name] for name in derived}
    good, bad = VECTORS["questions"], VECTORS["bad_questions"]
    assert run(page, QUESTIONS, good) == [[case["envelope"], case["text"]] for case in good]
    assert {result for _, result in run(page, QUESTIONS, bad)} == {"BadEnvelope"}


def test_answers_are_those_of_the_vectors(page: Page) -> None:
    for sealed, case in zip(run(page, SEAL_AGAIN, VECTORS["answers"]), VECTORS["answers"], strict=True):
        answer = sealed["answer"]
        assert len(answer) == case["characters"]
        if "answer" not in case:
            assert hashlib.sha256(answer.encode()).hexdigest() == case["answer_sha256"]
            continue
        assert answer == case["answer"]
        if "list" in case:
            assert {name: sealed[name] for name in ("note", "list", "inline")} == {
                name: case[name] for name in ("note", "list", "inline")
            }
            continue
        content = case["content"]
        assert (sealed["note"], sealed.get("name"), sealed.get("mediaType")) == (
            content.get("note", ""),
            content.get("name"),
            content.get("media_type"),
        )
        assert sealed["data"] == content.get("data", encode_base64url(content.get("text", "").encode()))


def test_what_nobody_sealed_is_refused(page: Page) -> None:
    outcomes = run(page, REFUSED, VECTORS)
    answers = len(VECTORS["bad_answers"])
    assert set(outcomes[:answers]) == {"BadEnvelope"}
    assert set(outcomes[answers:]) == {"OperationError"}


def test_links_survive_what_the_python_clients_survive(page: Page) -> None:
    good, bad = VECTORS["links"]["good"], VECTORS["links"]["bad"]
    found = run(page, "(cases) => cases.map(({ link }) => secretIn(link))", good + bad)
    expected = [f"ask.{case['ask']}" if "ask" in case else f"answer.{case['answer']}" for case in good]
    assert found == expected + [None] * len(bad)


def test_each_side_opens_what_the_other_has_sealed(page: Page) -> None:
    secret = AskSecret.generate()
    answer = secret.answer_key.seal(Content.from_text("žluťoučký 🐎"))
    value = encode_base64url(secret.value)
    opened, sealed = run(
        page,
        """async ({ value, answer }) => {
          const keys = await deriveAskKeys(decode(value));
          const { data } = await unsealAnswer(answer, keys);
          return [new TextDecoder().decode(data), await sealAnswer({ data }, keys.answering)];
        }""",
        {"value": value, "answer": answer},
    )
    assert opened == "žluťoučký 🐎"
    content = secret.unseal(sealed)
    assert isinstance(content, Content)
    assert content.text == opened
