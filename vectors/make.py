"""Makes `envelopes.json`, the same at every run: `python vectors/make.py > vectors/envelopes.json`."""

import hashlib
import json
import sys
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypt_api.client.envelope import MAX_CONTENT_BYTES, STEP, VERSION, VERSION_WITH_NOTE, Content, Secret
from crypt_core.encoding import decode_base64url, encode_base64url

TEXT_HEADER = 2 + len('{"type":"text"}')
LONGEST_IN_ONE_STEP = STEP - TEXT_HEADER - 1
LONG = 6_000  # characters; of a longer envelope, the file has only the hash


def fixed(label: str, size: int) -> bytes:
    return hashlib.sha256(label.encode()).digest()[:size]


def good(name: str, content: dict[str, Any], passphrase: str | None = None) -> dict[str, Any]:
    secret, nonce = Secret(fixed(f"secret {name}", 16)), fixed(f"nonce {name}", 12)
    keys = secret.keys(passphrase)
    envelope = secret.seal(as_content(content), keys, nonce=nonce)
    proof = keys.passphrase_proof
    case = {
        "name": name,
        "secret": encode_base64url(secret.value),
        "passphrase": passphrase,
        "nonce": encode_base64url(nonce),
        "content": content,
        "id": secret.id,
        "proof": encode_base64url(secret.proof),
        "proof_hash": encode_base64url(hashlib.sha256(secret.proof).digest()),
        "passphrase_hash": None if proof is None else encode_base64url(hashlib.sha256(proof).digest()),
    }
    if len(envelope) > LONG:
        return case | {"envelope_sha256": hashlib.sha256(envelope.encode()).hexdigest()}
    return case | {"envelope": envelope}


def as_content(content: dict[str, Any]) -> Content:
    if "repeat" in content:
        data = content["repeat"].encode() * content["count"]
    elif "text" in content:
        data = content["text"].encode()
    else:
        data = decode_base64url(content["data"], len(content["data"]) * 3 // 4) or b""
    return Content(data, content.get("name"), content.get("media_type"), content.get("note", ""))


def good_cases() -> list[dict[str, Any]]:
    image = {"name": "café 📷.png", "media_type": "image/png", "data": encode_base64url(bytes(range(256)))}
    empty = {"name": "empty", "media_type": "application/octet-stream", "data": ""}
    largest = {"name": "x", "media_type": "text/plain", "repeat": "x", "count": MAX_CONTENT_BYTES}
    sizes = [
        ("one byte short of a step", LONGEST_IN_ONE_STEP - 1),
        ("as much as fits into a step", LONGEST_IN_ONE_STEP),
        ("a byte more than fits into a step", LONGEST_IN_ONE_STEP + 1),
        ("two steps, full", LONGEST_IN_ONE_STEP + STEP),
        ("a byte into the third step", LONGEST_IN_ONE_STEP + STEP + 1),
        ("the largest text", MAX_CONTENT_BYTES),
    ]
    return [
        good("short text", {"text": "hello"}),
        good("emoji", {"text": "🐎 žluťoučký kůň \u2028"}),
        good("lines and controls", {"text": "a\r\nb\tc\u0000d"}),
        good("text that ends like padding", {"text": "x\u0080\u0000\u0000"}),
        good("empty passphrase is none", {"text": "hello"}, ""),
        good("passphrase", {"text": "hello"}, "correct horse battery staple"),
        good("passphrase in composed form", {"text": "hello"}, "café"),
        good("passphrase in decomposed form", {"text": "hello"}, "cafe\u0301"),
        good("passphrase of spaces", {"text": "hello"}, " "),
        good("file", image),
        good("file with passphrase", image, "🔑"),
        good("empty file", empty),
        good("file with note", image | {"note": "from the café 📷\nsecond line"}),
        good("empty file with note and passphrase", empty | {"note": "x"}, "🔑"),
        good("the largest file with note", largest | {"note": "x", "count": MAX_CONTENT_BYTES - 1}),
        good("the largest file", largest),
        *(good(name, {"repeat": "x", "count": size}) for name, size in sizes),
    ]


SECRET, NONCE = Secret(fixed("secret bad", 16)), fixed("nonce bad", 12)
KEYS = SECRET.keys(None)


def forged(plaintext: bytes, version: bytes = VERSION) -> bytes:
    """Make an envelope as anybody who has the link can make it, and no client of this project makes it."""
    return version + NONCE + AESGCM(KEYS.key).encrypt(NONCE, plaintext, version + bytes_of(SECRET.id))


def with_note(fields: str, content: bytes = b"note and data", version: bytes = VERSION_WITH_NOTE) -> bytes:
    header = ('{"type":"file with note","name":"x","media_type":""' + fields + "}").encode()
    return forged(padded(len(header).to_bytes(2, "big") + header + content), version)


def padded(plaintext: bytes) -> bytes:
    return plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % STEP)


def unusual_cases() -> list[dict[str, Any]]:
    def case(why: str, envelope: bytes) -> dict[str, Any]:
        content = {"data": encode_base64url(b" and data"), "name": "x", "media_type": "", "note": "note"}
        secret = encode_base64url(SECRET.value)
        return {"why": why, "secret": secret, "envelope": encode_base64url(envelope), "content": content}

    return [
        case("the note's length is written with a fraction of zero", with_note(',"note_bytes":4.0')),
        case("the note's length is written with an exponent", with_note(',"note_bytes":40e-1')),
        case("there is space in the header", with_note(' , "note_bytes" : 4 ')),
    ]


def bad_cases() -> list[dict[str, Any]]:
    envelope = SECRET.seal(Content.from_text("hello"), KEYS, nonce=NONCE)
    data = decode_base64url(envelope, len(envelope) * 3 // 4) or b""

    def case(
        why: str, envelope: str | bytes, *, secret: Secret = SECRET, passphrase: str | None = None
    ) -> dict[str, Any]:
        text = encode_base64url(envelope) if isinstance(envelope, bytes) else envelope
        return {"why": why, "secret": encode_base64url(secret.value), "passphrase": passphrase, "envelope": text}

    def flipped(index: int) -> bytes:
        return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]

    header = b'{"type":"text"}'
    return [
        case("the version is 0", b"\x00" + data[1:]),
        case("the version is 2 in an envelope of version 1", b"\x02" + data[1:]),
        case("the version is 3", b"\x03" + data[1:]),
        case("a bit of the nonce is changed", flipped(1)),
        case("a bit of the first block is changed", flipped(13)),
        case("a bit in the middle is changed", flipped(2_000)),
        case("a bit of the tag is changed", flipped(len(data) - 1)),
        case("the last byte is missing", data[:-1]),
        case("there is a byte too many", data + b"\0"),
        case("there is only the version", data[:1]),
        case("the envelope is empty", ""),
        case("the link is another one", data, secret=Secret(fixed("another", 16))),
        case("there is a passphrase, and the message has none", data, passphrase="x"),
        case("the base64 is padded", envelope + "="),
        case("the base64 is in the other alphabet", "/" + envelope[1:]),
        case("there is a space in the base64", envelope[:10] + " " + envelope[10:]),
        case("there is no padding marker", forged(bytes(STEP))),
        case(
            "there is something behind the padding marker",
            forged(b"\x00\x0f" + header + b"\x80" + b"\x01" * (STEP - 18)),
        ),
        case("there is a whole step of padding too much", forged(padded(b"\x00\x0f" + header) + bytes(STEP))),
        case("the header is longer than the plaintext", forged(padded(b"\xff\xff" + header))),
        case("the header is not JSON", forged(padded(b"\x00\x01{"))),
        case("the header has no type", forged(padded(b"\x00\x02{}"))),
        case("the header has another type", forged(padded(b'\x00\x10{"type":"image"}'))),
        case("the header is null", forged(padded(b"\x00\x04null"))),
        case("the header is a list", forged(padded(b'\x00\x11[{"type":"text"}]'))),
        case("the header nests as deep as it can", forged(padded(b"\x0f\xa0" + b"[" * 4_000))),
        case("the header has a number that JSON does not know", forged(padded(b'\x00\x17{"type":"text","x":NaN}'))),
        case("the file has no name", forged(padded(b'\x00\x0f{"type":"file"}'))),
        case("the text is not UTF-8", forged(padded(b"\x00\x0f" + header + b"\xff"))),
        case("the plaintext is too short for a header", forged(padded(b"\x00"))),
        case("a file with a note has version 1", with_note(',"note_bytes":4', version=VERSION)),
        case("a text has version 2", forged(padded(b"\x00\x0f" + header), VERSION_WITH_NOTE)),
        case("the note has no length", with_note("")),
        case("the note is empty", with_note(',"note_bytes":0')),
        case("the note is longer than the content", with_note(',"note_bytes":14')),
        case("the note's length is no number", with_note(',"note_bytes":true')),
        case("the note's length is a text", with_note(',"note_bytes":"4"')),
        case("the note's length is no whole number", with_note(',"note_bytes":4.5')),
        case("the note's length is beyond all numbers", with_note(',"note_bytes":1e999')),
        case("the note is not UTF-8", with_note(',"note_bytes":1', b"\xff")),
    ]


def bytes_of(sealed_id: str) -> bytes:
    return decode_base64url(sealed_id, 16) or b""


def main() -> None:
    json.dump(
        {"good": good_cases(), "unusual": unusual_cases(), "bad": bad_cases()}, sys.stdout, indent=1, ensure_ascii=True
    )
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
