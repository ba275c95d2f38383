"""The page's envelopes in real Chromium, tested with the same vectors as those of the Python client."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from crypt_api.client.envelope import Content, Secret
from tests.support.platforms import ROOT

VECTORS = json.loads((ROOT / "vectors/envelopes.json").read_text())

# Runs in the page: derives, seals and unseals one vector.
DERIVE = """async ({ secret, passphrase, nonce, content }) => {
  const e = await import("/envelope.js");
  const keys = await e.deriveKeys(e.decodeBase64url(secret), passphrase ?? "");
  const bytes = (text) => new TextEncoder().encode(text);
  const data = content.repeat ? bytes(content.repeat.repeat(content.count))
    : content.text !== undefined ? bytes(content.text) : e.decodeBase64url(content.data);
  const sealable = { data, name: content.name, mediaType: content.media_type, note: content.note };
  const envelope = await e.seal(sealable, keys, e.decodeBase64url(nonce));
  const unsealed = await e.unseal(envelope, keys);
  return {
    id: keys.id, proof: e.encodeBase64url(keys.proof), proof_hash: await e.hashProof(keys.proof),
    passphrase_hash: keys.passphraseProof && await e.hashProof(keys.passphraseProof), envelope,
    same: e.encodeBase64url(unsealed.data) === e.encodeBase64url(data)
      && unsealed.name === content.name && unsealed.mediaType === content.media_type && unsealed.note === content.note,
  };
}"""

UNSEAL = """async ({ secret, passphrase, envelope }) => {
  const e = await import("/envelope.js");
  try {
    const content = await e.unseal(envelope, await e.deriveKeys(e.decodeBase64url(secret), passphrase ?? ""));
    return new TextDecoder().decode(content.data);
  } catch (error) {
    return error instanceof e.BadEnvelope ? "BadEnvelope" : String(error);
  }
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    module = (ROOT / "crypt_api/static/-/envelope.js").read_text()
    page = browser.new_page()
    # localhost is a secure context: only there does WebCrypto exist.
    page.route("http://localhost/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.route("http://localhost/envelope.js", lambda route: route.fulfill(body=module, content_type="text/javascript"))
    page.goto("http://localhost/")
    return page


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_good_vectors(page: Page, case: dict[str, Any]) -> None:
    result = page.evaluate(DERIVE, case)
    assert result["same"]
    for name in ("id", "proof", "proof_hash", "passphrase_hash"):
        assert result[name] == case[name]
    if "envelope" in case:
        assert result["envelope"] == case["envelope"]
    else:
        digest = page.evaluate(
            "async (text) => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', "
            "new TextEncoder().encode(text))), (b) => b.toString(16).padStart(2, '0')).join('')",
            result["envelope"],
        )
        assert digest == case["envelope_sha256"]


@pytest.mark.parametrize("case", VECTORS["unusual"], ids=lambda case: case["why"])
def test_unusual_vectors(page: Page, case: dict[str, Any]) -> None:
    assert page.evaluate(UNSEAL, case) == " and data"


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_bad_vectors(page: Page, case: dict[str, Any]) -> None:
    assert page.evaluate(UNSEAL, case) == "BadEnvelope"


def test_the_browser_unseals_what_python_seals(page: Page) -> None:
    secret = Secret.generate()
    envelope = secret.seal(Content.from_text("žluťoučký 🐎"), secret.keys("pass"))
    link_secret = secret.link("").partition("#")[2]
    case = {"secret": link_secret, "passphrase": "pass", "envelope": envelope}
    assert page.evaluate(UNSEAL, case) == "žluťoučký 🐎"
