"""Makes `files.json`, the same at every run: `python vectors/make_files.py > vectors/files.json`."""

import hashlib
import json
import sys
from typing import Any

from crypt_api.client.content import VERSION_WITH_FILES
from crypt_api.client.envelope import Secret
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.parts import MAX_PART_BYTES, PART_VERSION, PartKeys, part_lengths
from crypt_api.client.sealing import seal
from crypt_core.encoding import encode_base64url
from vectors.make import LONG, bytes_of, fixed

KEYS = PartKeys(fixed("files key", 32))
P = MAX_PART_BYTES


def pattern(length: int) -> bytes:
    """Bytes that no part shares with its neighbours: 0, 1, … 250, and again."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def part(number: int, length: int) -> dict[str, Any]:
    nonce = fixed(f"part nonce {number} {length}", 12)
    sealed = KEYS.seal(number, pattern(length), nonce=nonce)
    case = {
        "number": number,
        "proof": encode_base64url(KEYS.proof(number)),
        "id": KEYS.id(number),
        "nonce": encode_base64url(nonce),
        "length": length,
        "part_bytes": len(sealed),
    }
    if len(sealed) > LONG:
        return case | {"part_sha256": hashlib.sha256(sealed).hexdigest()}
    return case | {"part": encode_base64url(sealed)}


def bad_parts() -> list[dict[str, Any]]:
    nonce, data = fixed("bad part nonce", 12), pattern(100)
    sealed = KEYS.seal(0, data, nonce=nonce)

    def case(why: str, part: bytes, number: int = 0, length: int = 100) -> dict[str, Any]:
        return {"why": why, "number": number, "length": length, "part": encode_base64url(part)}

    other = PartKeys(fixed("another files key", 32))
    name, key = bytes_of(KEYS.id(0)), KEYS.content_key(0)
    return [
        case("it is part 1", KEYS.seal(1, data, nonce=nonce)),
        case("it is asked for as part 1", sealed, number=1),
        case("it is a part of another key", other.seal(0, data, nonce=nonce)),
        case("it has a byte less than the list says", KEYS.seal(0, data[1:], nonce=nonce)),
        case("it has a byte more than the list says", KEYS.seal(0, data + b"x", nonce=nonce)),
        case("the version is 3", b"\x03" + sealed[1:]),
        case("the version is 3, and encrypted so", seal(key, b"\x03", name, data, nonce)),
        case("a bit of the nonce is changed", sealed[:1] + bytes([sealed[1] ^ 1]) + sealed[2:]),
        case("a bit of the tag is changed", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        case("the last byte is missing", sealed[:-1]),
        case("there is a byte too many", sealed + b"\0"),
        case("there is only the version", PART_VERSION),
        case("it is empty", b""),
    ]


def entry(name: str, size: int, media_type: str = "application/octet-stream") -> FileEntry:
    return FileEntry(name, media_type, size)


def manifests() -> dict[str, Manifest]:
    def inline(*names: str, note: str = "") -> Manifest:
        return Manifest(tuple(entry(name, 3) for name in names), note, inline=b"abc" * len(names))

    hundred = tuple(entry(f"folder/{number:03}.bin", number) for number in range(100))
    return {
        "two files inline": inline("a.txt", "b.txt"),
        "two files and a note inline": inline("a.txt", "b.txt", note="from the café 📷\nsecond line"),
        "names in Unicode": inline("café 📷.png", "Ünïcode/žluťoučký.txt", "日本語"),
        "an empty file inline": Manifest((entry("empty", 0),)),
        "100 files": Manifest(hundred, "x", KEYS, P),
        "one file in parts": Manifest((entry("map.png", 10_000_000, "image/png"),), "", KEYS, P),
        "a file that fills a part": Manifest((entry("full", P),), "", KEYS, P, sole=False),
        "small parts": Manifest((entry("a", 1_000_000), entry("b", 0)), "", KEYS, 524_287),
        "empty files in parts": Manifest((entry("a", 0), entry("b", 0)), "", KEYS, P),
    }


def good_manifest(name: str, manifest: Manifest) -> dict[str, Any]:
    secret, nonce = Secret(fixed(f"secret {name}", 16)), fixed(f"nonce {name}", 12)
    envelope = secret.seal(manifest, secret.keys(None), nonce=nonce)
    case = {
        "name": name,
        "secret": encode_base64url(secret.value),
        "nonce": encode_base64url(nonce),
        "note": manifest.note,
        "list": manifest.list_fields(),
        "inline": encode_base64url(manifest.inline),
        "part_lengths": manifest.part_lengths,
    }
    if len(envelope) > LONG:
        return case | {"envelope_sha256": hashlib.sha256(envelope.encode()).hexdigest()}
    return case | {"envelope": envelope}


def bad_manifests() -> list[dict[str, Any]]:
    secret = Secret(fixed("secret bad files", 16))
    key, nonce = secret.keys(None).key, fixed("nonce bad files", 12)
    file = {"name": "a", "media_type": "", "bytes": 3}
    parts = {"files": [file], "key": encode_base64url(KEYS.key), "part_bytes": P, "sole": True}

    def forged(why: str, header: str, content: bytes, version: bytes = VERSION_WITH_FILES) -> dict[str, Any]:
        """Make an envelope that anybody who has the link can make, and that a client must refuse."""
        plaintext = len(header.encode()).to_bytes(2, "big") + header.encode() + content
        envelope = encode_base64url(seal(key, version, bytes_of(secret.id), plaintext, nonce))
        return {"why": why, "secret": encode_base64url(secret.value), "envelope": envelope}

    def case(why: str, fields: object, rest: bytes = b"", note: bytes = b"", extra: str = "") -> dict[str, Any]:
        text = (fields if isinstance(fields, str) else json.dumps(fields)).encode()
        header = f'{{"type":"files","note_bytes":{len(note)},"list_bytes":{len(text)}{extra}}}'
        return forged(why, header, note + text + rest)

    return [
        case("there are 101 files", {"files": [file | {"bytes": 0}] * 101}),
        case("there is no file", {"files": []}),
        case("the list is no object", []),
        case("the list is not JSON", "{"),
        case("the list has a number that JSON does not know", '{"files":[{"name":"a","media_type":"","bytes":NaN}]}'),
        forged("the list goes beyond the content", '{"type":"files","note_bytes":0,"list_bytes":3}', b"{}"),
        case("the inline bytes are fewer than the sizes say", {"files": [file]}, b"ab"),
        case("the inline bytes are more than the sizes say", {"files": [file]}, b"abcd"),
        case("a size is negative", {"files": [file, file | {"bytes": -3}]}),
        case("a size is a fraction", '{"files":[{"name":"a","media_type":"","bytes":3.5}]}', b"abc"),
        case("a size is true", {"files": [file | {"bytes": True}]}, b"a"),
        case("a size is beyond what JSON can write exactly", parts | {"files": [file | {"bytes": 1 << 53}]}),
        case(
            "there are more parts than a list may have", parts | {"files": [file | {"bytes": 100_001}], "part_bytes": 1}
        ),
        case("a file has no name", {"files": [{"media_type": "", "bytes": 3}]}, b"abc"),
        case("a name is no string", {"files": [file | {"name": 1}]}, b"abc"),
        case("a file has a field that is not known", {"files": [file | {"x": 1}]}, b"abc"),
        case("the list has a field that is not known", parts | {"x": 1}),
        case("there is a key and no size of parts", {name: parts[name] for name in ("files", "key", "sole")}),
        case("the key is too short", parts | {"key": encode_base64url(KEYS.key[:31])}),
        case("the key is padded", parts | {"key": encode_base64url(KEYS.key) + "="}),
        case("parts are larger than allowed", parts | {"part_bytes": P + 1}),
        case("parts are empty", parts | {"part_bytes": 0}),
        case("sole is a number", parts | {"sole": 1}),
        case("there are parts, and bytes inline", parts, b"abc"),
        case("the note is not UTF-8", {"files": [file]}, b"abc", note=b"\xff"),
        case("the header has a field that is not known", {"files": [file]}, b"abc", extra=',"x":1'),
        forged("the note's length is negative", '{"type":"files","note_bytes":-1,"list_bytes":3}', b"{}xx"),
        forged("a list has version 2", '{"type":"files","note_bytes":0,"list_bytes":2}', b"{}", b"\x02"),
        forged("a text has version 3", '{"type":"text"}', b"x"),
    ]


def main() -> None:
    vectors = {
        "key": encode_base64url(KEYS.key),
        "parts": [part(0, 1), part(1, 4_095), part(24, 4_096), part(0, P - 1), part(1, P)],
        "bad_parts": bad_parts(),
        "lengths": [
            {"total": total, "part_bytes": 1_000, "lengths": part_lengths(total, 1_000)}
            for total in (0, 1, 999, 1_000, 1_001, 2_500)
        ],
        "manifests": [good_manifest(name, manifest) for name, manifest in manifests().items()],
        "bad_manifests": bad_manifests(),
    }
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
