"""Makes `ask.json`, the same at every run: `python -m vectors.make_ask > vectors/ask.json`."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from crypt_api.client.ask_keys import ANSWER_VERSION, AnswerKey, AskSecret
from crypt_api.client.content import MAX_CONTENT_BYTES, VERSION, Content, encode
from crypt_api.client.manifest import Manifest
from crypt_api.client.sealing import STEP, pad, seal
from crypt_core.encoding import digest, encode_base64url
from vectors import hpke
from vectors.make import LONG, as_content, bytes_of, fixed
from vectors.make_files import manifests

LINKS = json.loads((Path(__file__).parent / "links.json").read_text())

RFC = {
    "skRm": "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
    "pkRm": "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
    "skEm": "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
    "enc": "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "shared_secret": "3101c54c3a4f87439eaac080699ed9bbcc726ffe44e860c0424ccb7e3e2ead7b",
    "key": "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f",
    "base_nonce": "151d9929e2449747889bc923",
    "aad": "436f756e742d30",
    "pt": "4265617574792069732074727574682c20747275746820626561757479",
    "ct": "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
}
"""The first message of RFC 9180's own test vector for the suite (its file `test-vectors.json`), in hexadecimal."""


def derivation(name: str) -> dict[str, Any]:
    secret = AskSecret(fixed(f"ask {name}", 16))
    key = secret.answer_key
    return {
        "name": name,
        "secret": encode_base64url(secret.value),
        "private_key": encode_base64url(secret.private_key.private_bytes_raw()),
        "public_key": encode_base64url(key.value),
        "id": key.id,
        "question_key": encode_base64url(key.question_key),
        "answer_proof": encode_base64url(key.proof),
        "answer_hash": digest(key.proof),
        "ask_proof": encode_base64url(secret.proof),
        "proof_hash": digest(secret.proof),
        "answer_link": key.link("https://example.org"),
        "ask_link": secret.link("https://example.org"),
    }


def question(text: str) -> dict[str, Any]:
    key, nonce = AskSecret(fixed(f"question {text}", 16)).answer_key, fixed(f"question nonce {text}", 12)
    envelope = key.seal_question(text, nonce=nonce)
    named = {"public_key": encode_base64url(key.value), "nonce": encode_base64url(nonce), "text": text}
    return named | {"envelope": envelope}


def answer(name: str, said: dict[str, Any] | Manifest) -> dict[str, Any]:
    secret, ephemeral = AskSecret(fixed(f"answered {name}", 16)), fixed(f"ephemeral {name}", 32)
    if isinstance(said, Manifest):
        inline = encode_base64url(said.inline)
        fields: dict[str, Any] = {"note": said.note, "list": said.list_fields(), "inline": inline}
    else:
        fields = {"content": said}
    content = said if isinstance(said, Manifest) else as_content(said)
    sealed = encode_base64url(sealed_by(ephemeral, secret.answer_key, content))
    case = {
        "name": name,
        "secret": encode_base64url(secret.value),
        "ephemeral": encode_base64url(ephemeral),
        **fields,
        "characters": len(sealed),
    }
    if len(sealed) > LONG:
        return case | {"answer_sha256": hashlib.sha256(sealed.encode()).hexdigest()}
    return case | {"answer": sealed}


def sealed_by(ephemeral: bytes, key: AnswerKey, content: Content | Manifest) -> bytes:
    version, plaintext = encode(content)
    return ANSWER_VERSION + hpke.seal(key.value, ephemeral, key.info, version + pad(plaintext))


def answers() -> list[dict[str, Any]]:
    image = {"name": "café 📷.png", "media_type": "image/png", "data": encode_base64url(bytes(range(256)))}
    longest = {"name": "x" * 3_950, "media_type": "", "repeat": "x", "count": MAX_CONTENT_BYTES}
    files = manifests()
    return [
        answer("text", {"text": "hunter2"}),
        answer("empty text", {"text": ""}),
        answer("emoji", {"text": "🐎 žluťoučký kůň \u2028"}),
        answer("file", image),
        answer("file with note", image | {"note": "from the café 📷\nsecond line"}),
        answer("two files and a note", files["two files and a note inline"]),
        answer("a file in parts", files["one file in parts"]),
        answer("the longest answer", longest),
    ]


def bad_questions() -> list[dict[str, Any]]:
    key, nonce = AskSecret(fixed("bad question", 16)).answer_key, fixed("bad question nonce", 12)

    def case(why: str, plaintext: bytes, version: bytes = VERSION, of: AnswerKey = key) -> dict[str, Any]:
        envelope = seal(of.question_key, version, bytes_of(key.id), plaintext, nonce)
        return {"why": why, "public_key": encode_base64url(key.value), "envelope": encode_base64url(envelope)}

    file = b'{"type":"file","name":"x","media_type":""}'
    note = b'{"type":"file with note","name":"x","media_type":"","note_bytes":1}'
    text = b'\x00\x0f{"type":"text"}why?'
    return [
        case("it is of another link", text, of=AskSecret(fixed("another question", 16)).answer_key),
        case("it is a file", len(file).to_bytes(2, "big") + file),
        case("it is a file with a note", len(note).to_bytes(2, "big") + note + b"xy", b"\x02"),
        case("it has the version of an answer", text, ANSWER_VERSION),
    ]


def bad_answers() -> list[dict[str, Any]]:
    secret, ephemeral = AskSecret(fixed("bad answer", 16)), fixed("bad answer ephemeral", 32)
    key, other = secret.answer_key, AskSecret(fixed("another answer", 16)).answer_key
    text = Content.from_text("hunter2")
    version, plaintext = encode(text)
    good = sealed_by(ephemeral, key, text)

    def case(why: str, sealed: bytes | str) -> dict[str, Any]:
        answer = encode_base64url(sealed) if isinstance(sealed, bytes) else sealed
        return {"why": why, "secret": encode_base64url(secret.value), "answer": answer}

    def forged(why: str, content: bytes, info: bytes = key.info, aad: bytes = b"") -> dict[str, Any]:
        """Make an answer that anybody who has the link can make, and that a client must refuse."""
        return case(why, ANSWER_VERSION + hpke.seal(key.value, ephemeral, info, content, aad))

    def flipped(index: int) -> bytes:
        return good[:index] + bytes([good[index] ^ 1]) + good[index + 1 :]

    padded = version + pad(plaintext)
    envelope = seal(key.question_key, VERSION, bytes_of(key.id), plaintext, fixed("bad answer nonce", 12))
    return [
        case("it is empty", ""),
        case("it is the envelope of a question", envelope),
        case("the version is 4", b"\x04" + good[1:]),
        case("the version is 6", b"\x06" + good[1:]),
        case("there is only the version", good[:1]),
        case("there is only the version and a key", good[:33]),
        case("a bit of the key is changed", flipped(1)),
        case("the key is zero", good[:1] + bytes(32) + good[33:]),
        case("the key is a point of small order", good[:1] + b"\x01" + bytes(31) + good[33:]),
        case("a bit of the first block is changed", flipped(33)),
        case("a bit of the tag is changed", flipped(len(good) - 1)),
        case("the last byte is missing", good[:-1]),
        case("there is a byte too many", good + b"\0"),
        case("the base64 is padded", encode_base64url(good) + "="),
        case("it answers another question", sealed_by(ephemeral, other, text)),
        forged("it is bound to another question", padded, other.info),
        forged("it is bound to nothing", padded, b""),
        forged("it has associated data", padded, aad=b"x"),
        forged("the inner version is 0", b"\x00" + padded[1:]),
        forged("the inner version is 4", b"\x04" + padded[1:]),
        forged("the inner version is 5", b"\x05" + padded[1:]),
        forged("a text has inner version 2", b"\x02" + padded[1:]),
        forged("there is no inner version", padded[1:]),
        forged("there is nothing in it", b""),
        forged("there is only the inner version", version),
        forged("there is no padding", version + plaintext),
        forged("there is a step of padding too much", padded + bytes(STEP)),
        forged("the padding ends early", padded[:-1]),
        forged("the text is not UTF-8", version + pad(b'\x00\x0f{"type":"text"}\xff')),
    ]


def good_links() -> list[dict[str, Any]]:
    """Everything that a message's link survives."""
    cases = []
    for case in LINKS["good"]:
        if "secret" in case:
            secret = case["secret"]
            key = encode_base64url(bytes_of(secret) + bytes(range(16)))
            for kind, carried in (("ask", secret), ("answer", key)):
                link = case["link"].replace(secret, f"{kind}.{carried}")
                cases.append({"name": f"{kind}, {case['name']}", "link": link, "origin": case["origin"], kind: carried})
    return cases


def bad_links() -> list[dict[str, Any]]:
    secret = "q83vASNFZ4mrze8BI0VniQ"  # noqa: S105 - of an example
    key = encode_base64url(bytes_of(secret) + bytes(range(16)))
    fragments = {
        "there is nothing behind ask.": "ask.",
        "there is nothing behind answer.": "answer.",
        "a character of the secret is missing": f"ask.{secret[:-1]}",
        "a character of the secret is too much": f"ask.{secret}A",
        "the last character of the secret has bits too many": f"ask.{secret[:-1]}R",
        "the secret is cut by a space": f"ask.{secret[:9]}%20{secret[9:]}",
        "a character of the key is missing": f"answer.{key[:-1]}",
        "a character of the key is too much": f"answer.{key}A",
        "the last character of the key has bits too many": f"answer.{key[:-1]}9",
        "the key is cut by a space": f"answer.{key[:9]}%20{key[9:]}",
        "a key is behind ask.": f"ask.{key}",
        "a secret is behind answer.": f"answer.{secret}",
        "the stop is missing": f"ask{secret}",
        "the key has no word before it": key,
        "the word is another one": f"reply.{key}",
        "the word has a capital letter": f"Ask.{secret}",
        "the word is twice there": f"ask.ask.{secret}",
        "it is in the parameter of a fragment": f"x=ask.{secret}",
    }
    links = {why: f"https://example.org/#{fragment}" for why, fragment in fragments.items()} | {
        "the # is missing, and a character of the secret": f"https://example.org/ask.{secret[:-1]}",
        "the # is missing, and a character of the key": f"https://example.org/answer.{key[:-1]}",
    }
    return [{"why": why, "link": link} for why, link in links.items()]


def main() -> None:
    vectors = {
        "hpke": {name: encode_base64url(bytes.fromhex(value)) for name, value in RFC.items()},
        "derivations": [derivation(name) for name in ("one", "two", "three")],
        "questions": [question(text) for text in ("What is the password of the router?", "", "🔑\nžluťoučký kůň?")],
        "bad_questions": bad_questions(),
        "answers": answers(),
        "bad_answers": bad_answers(),
        "bad_keys": [
            {"why": why, "public_key": encode_base64url(key)}
            for why, key in (("it is zero", bytes(32)), ("it is a point of small order", b"\x01" + bytes(31)))
        ],
        "links": {"good": good_links(), "bad": bad_links()},
    }
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
