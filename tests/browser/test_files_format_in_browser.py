"""The page's lists of files and parts in real Chromium, tested with the same vectors as those of the Python client."""

import hashlib
import json
from base64 import b64decode
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_envelope_in_browser import blank_page
from tests.support.platforms import ROOT

VECTORS = json.loads((ROOT / "vectors/files.json").read_text())

PART = """async ([key, { number, nonce, length }]) => {
  const { decodeBase64url, encodeBase64url } = await import("/encoding.js");
  const { derivePart, sealPart, unsealPart } = await import("/parts.js");
  const keys = await derivePart(decodeBase64url(key), number);
  const data = Uint8Array.from({ length }, (_, index) => index % 251);
  const part = await sealPart(keys, data, decodeBase64url(nonce));
  const opened = await unsealPart(keys, part, length);
  let characters = "";
  for (let at = 0; at < part.length; at += 8192) characters += String.fromCharCode(...part.subarray(at, at + 8192));
  return {
    id: keys.id, proof: encodeBase64url(keys.proof), part: btoa(characters),
    same: opened.length === length && opened.every((byte, index) => byte === index % 251),
  };
}"""

BAD_PART = """async ([key, { number, part, length }]) => {
  const { decodeBase64url } = await import("/encoding.js");
  const { derivePart, unsealPart } = await import("/parts.js");
  const { BadEnvelope } = await import("/envelope.js");
  try {
    await unsealPart(await derivePart(decodeBase64url(key), number), decodeBase64url(part), length);
    return "opened";
  } catch (error) {
    return error instanceof BadEnvelope ? "BadEnvelope" : String(error);
  }
}"""

MANIFEST = """async (cases) => {
  const { decodeBase64url, encodeBase64url } = await import("/encoding.js");
  const { deriveKeys, seal, unseal } = await import("/envelope.js");
  const { listFields, parseManifest, partLengths, totalBytes } = await import("/manifest.js");
  return Promise.all(cases.map(async ({ secret, nonce, note, list, inline }) => {
    const keys = await deriveKeys(decodeBase64url(secret));
    const manifest = parseManifest(list, note, decodeBase64url(inline));
    const envelope = await seal(manifest, keys, decodeBase64url(nonce));
    const opened = await unseal(envelope, keys);
    return {
      envelope, note: opened.note, list: listFields(opened), inline: encodeBase64url(opened.inline),
      part_lengths: opened.key ? partLengths(totalBytes(opened.files), opened.partBytes) : [],
    };
  }));
}"""

BAD_MANIFESTS = """async (cases) => {
  const { decodeBase64url } = await import("/encoding.js");
  const { BadEnvelope, deriveKeys, unseal } = await import("/envelope.js");
  return Promise.all(cases.map(async ({ secret, envelope }) => {
    try {
      return await unseal(envelope, await deriveKeys(decodeBase64url(secret)));
    } catch (error) {
      return error instanceof BadEnvelope ? "BadEnvelope" : String(error);
    }
  }));
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    return blank_page(browser)


@pytest.mark.parametrize("case", VECTORS["parts"], ids=lambda case: f"part {case['number']} of {case['length']} bytes")
def test_good_parts(page: Page, case: dict[str, Any]) -> None:
    made = page.evaluate(PART, [VECTORS["key"], case])
    part = b64decode(made["part"])
    assert (made["id"], made["proof"], made["same"]) == (case["id"], case["proof"], True)
    assert len(part) == case["part_bytes"]
    assert "part_sha256" not in case or hashlib.sha256(part).hexdigest() == case["part_sha256"]
    assert "part" not in case or part == b64decode(case["part"] + "==", altchars=b"-_")


def test_bad_parts(page: Page) -> None:
    found = {case["why"]: page.evaluate(BAD_PART, [VECTORS["key"], case]) for case in VECTORS["bad_parts"]}
    assert found == {case["why"]: "BadEnvelope" for case in VECTORS["bad_parts"]}


def test_good_manifests(page: Page) -> None:
    for case, made in zip(VECTORS["manifests"], page.evaluate(MANIFEST, VECTORS["manifests"]), strict=True):
        assert {name: made[name] for name in ("note", "list", "inline", "part_lengths")} == {
            name: case[name] for name in ("note", "list", "inline", "part_lengths")
        }
        digest = hashlib.sha256(made["envelope"].encode()).hexdigest()
        assert case.get("envelope", made["envelope"]) == made["envelope"]
        assert case.get("envelope_sha256", digest) == digest


def test_bad_manifests(page: Page) -> None:
    found = page.evaluate(BAD_MANIFESTS, VECTORS["bad_manifests"])
    why = [case["why"] for case in VECTORS["bad_manifests"]]
    assert dict(zip(why, found, strict=True)) == dict.fromkeys(why, "BadEnvelope")
