"""Bodies of requests: what is accepted, and what is refused with which status and error.

Unit tests show that the core parses them so. Tests over HTTP show that both platforms hand them on as they are.
"""

import json
from typing import Any

LIMIT = 102_400  # bytes of UTF-8
INVALID_JSON = (400, "Invalid JSON body")
INVALID_MESSAGE = (400, "Field 'message' is required and cannot be empty")
INVALID_TTL = (400, "Field 'ttl' must be a whole number of seconds from 60 to 86400")
TOO_LARGE = (413, "Message exceeds maximum size of 100KB")


def with_message(message: object) -> bytes:
    return json.dumps({"message": message}).encode()


PLAIN = {
    "short": (b'{"message": "x"}', "x"),
    "unicode": ('{"message": "žluťoučký 🐎\u2028"}'.encode(), "žluťoučký 🐎\u2028"),
    "escaped": (rb'{"message": "\u0000\ud83d\ude00\"\\"}', '\0😀"\\'),
    "html": (b'{"message": "</script><b>"}', "</script><b>"),
    "surrounding space is kept": (b'{"message": "  x\\n"}', "  x\n"),
    "brackets in the message": (with_message('[{"' * 10_000), '[{"' * 10_000),
    "backslashes before brackets": (with_message('\\"[' * 1_000), '\\"[' * 1_000),
    "unknown fields": (b'{"message": "x", "colour": {"of": ["no", "matter"]}}', "x"),
    "space around the JSON": (b' \r\n\t{"message": "x"}\n ', "x"),
    "100 KB": (with_message("x" * LIMIT), "x" * LIMIT),
    "100 KB of two-byte characters": (with_message("é" * (LIMIT // 2)), "é" * (LIMIT // 2)),
    "100 KB, each byte escaped as six": (with_message("\x01" * LIMIT), "\x01" * LIMIT),
    "shortest life": (b'{"message": "x", "ttl": 60}', "x"),
    "JSON's other way to write a whole number": (b'{"message": "x", "ttl": 6.0e1}', "x"),
    "longest life": (b'{"message": "x", "ttl": 86400}', "x"),
}

REFUSED_PLAIN = {
    "no body": (b"", INVALID_JSON),
    "text": (b"hello", INVALID_JSON),
    "cut off": (b'{"message": "x', INVALID_JSON),
    "single quotes": (b"{'message': 'x'}", INVALID_JSON),
    "trailing text": (b'{"message": "x"} x', INVALID_JSON),
    "invalid UTF-8": (b'{"message": "\xff"}', INVALID_JSON),
    "overlong UTF-8": (b'{"message": "\xc0\xaf"}', INVALID_JSON),
    "encoded surrogate": (b'{"message": "\xed\xa0\x80"}', INVALID_JSON),
    "byte order mark": (b'\xef\xbb\xbf{"message": "x"}', INVALID_JSON),
    "UTF-16": ('{"message": "x"}'.encode("utf-16"), INVALID_JSON),
    "not a number": (b'{"message": "x", "n": NaN}', INVALID_JSON),
    "endless number": (b'{"message": "x", "n": ' + b"9" * 5_000 + b"}", INVALID_JSON),
    "raw control character": (b'{"message": "a\nb"}', INVALID_JSON),
    "deep": (b'{"message": "x", "n": ' + b"[" * 17 + b"]" * 17 + b"}", INVALID_JSON),
    "deep enough to kill a parser": (b"[" * 100_000, INVALID_JSON),
    "deep objects": (b'{"message":' * 50_000, INVALID_JSON),
    "deep, behind strings": (b'["]]]]", "\\"]]]]", ' * 30_000, INVALID_JSON),
    "array": (b'["message"]', INVALID_MESSAGE),
    "string": (b'"message"', INVALID_MESSAGE),
    "null": (b"null", INVALID_MESSAGE),
    "nothing in it": (b"{}", INVALID_MESSAGE),
    "empty message": (b'{"message": ""}', INVALID_MESSAGE),
    "blank message": (b'{"message": " \\n\\t\\u00a0\\u3000"}', INVALID_MESSAGE),
    "null message": (b'{"message": null}', INVALID_MESSAGE),
    "number": (b'{"message": 1}', INVALID_MESSAGE),
    "list of one": (b'{"message": ["x"]}', INVALID_MESSAGE),
    "lone surrogate": (rb'{"message": "\ud800"}', INVALID_MESSAGE),
    "a byte too much": (with_message("x" * (LIMIT + 1)), TOO_LARGE),
    "a character too much": (with_message("é" * (LIMIT // 2) + "x"), TOO_LARGE),
    "a body that no message needs": (b" " * 700_000 + b'{"message": "x"}', TOO_LARGE),
    "5 MB": (b"x" * 5_000_000, TOO_LARGE),
    "life too short": (b'{"message": "x", "ttl": 59}', INVALID_TTL),
    "life too long": (b'{"message": "x", "ttl": 86401}', INVALID_TTL),
    "endless life": (b'{"message": "x", "ttl": 1e999}', INVALID_TTL),
    "negative life": (b'{"message": "x", "ttl": -60}', INVALID_TTL),
    "life as text": (b'{"message": "x", "ttl": "60"}', INVALID_TTL),
    "life as a fraction": (b'{"message": "x", "ttl": 60.5}', INVALID_TTL),
    "true life": (b'{"message": "x", "ttl": true}', INVALID_TTL),
    "null life": (b'{"message": "x", "ttl": null}', INVALID_TTL),
}

BODY_HINTS = {
    "byte order mark": "The body starts with a byte order mark (BOM). Send UTF-8 without it.",
    "UTF-16": "The body is UTF-16 or UTF-32. Send UTF-8.",
    "invalid UTF-8": "The body is not UTF-8, but perhaps Latin-1 or Windows-1252. Send UTF-8.",
    "overlong UTF-8": "The body is not UTF-8, but perhaps Latin-1 or Windows-1252. Send UTF-8.",
    "encoded surrogate": "The body is not UTF-8, but perhaps Latin-1 or Windows-1252. Send UTF-8.",
    "single quotes": 'JSON has double quotes around names and texts. On Windows write: -d "{\\"message\\": \\"hi\\"}"',
    "raw control character": "A line break in a JSON text is written as \\n, and a tab as \\t.",
}
"""What the errors of `REFUSED_PLAIN` tell besides their texts."""

_HASH = "must be the 43 characters of a SHA-256 in base64url"
_OF_A_QUESTION = "cannot go with 'answer_hash': an answer has one reader and no passphrase"
INVALID_PROOF_HASH = (400, f"Field 'proof_hash' {_HASH}")
INVALID_PASSPHRASE_HASH = (400, f"Field 'passphrase_hash' {_HASH}")
INVALID_READS = (400, "Field 'reads' must be a whole number from 1 to 100")

REFUSED_SEALED: dict[str, tuple[dict[str, Any], tuple[int, str]]] = {
    "no message": ({"message": None}, INVALID_MESSAGE),
    "too large": ({"message": "x" * 142_035}, TOO_LARGE),
    "no hash": ({"proof_hash": None}, INVALID_PROOF_HASH),
    "short hash": ({"proof_hash": "A" * 42}, INVALID_PROOF_HASH),
    "padded hash": ({"proof_hash": "A" * 43 + "="}, INVALID_PROOF_HASH),
    "other alphabet": ({"proof_hash": "+" * 43}, INVALID_PROOF_HASH),
    "stray bits": ({"proof_hash": "A" * 42 + "B"}, INVALID_PROOF_HASH),
    "passphrase hash": ({"passphrase_hash": None}, INVALID_PASSPHRASE_HASH),
    "no reads": ({"reads": 0}, INVALID_READS),
    "many reads": ({"reads": 101}, INVALID_READS),
    "true reads": ({"reads": True}, INVALID_READS),
    "ttl": ({"ttl": 59}, INVALID_TTL),
    "unknown": ({"colour": "red"}, (400, "Unknown field 'colour'")),
    "answer hash": ({"answer_hash": None}, (400, f"Field 'answer_hash' {_HASH}")),
    "reads of a question": ({"answer_hash": "A" * 43, "reads": 1}, (400, f"Field 'reads' {_OF_A_QUESTION}")),
    "passphrase of a question": (
        {"answer_hash": "A" * 43, "passphrase_hash": "A" * 43},
        (400, f"Field 'passphrase_hash' {_OF_A_QUESTION}"),
    ),
}
"""Fields that spoil the body of a sealed message."""
