"""`POST /`: what is accepted, and what is refused with which words."""

import json
import re
import socket

import httpx
import pytest

from tests.support.errors import error_body
from tests.support.platforms import Platform

LIMIT = 102_400  # bytes of UTF-8
INVALID_JSON = (400, "Invalid JSON body")
INVALID_MESSAGE = (400, "Field 'message' is required and cannot be empty")
INVALID_TTL = (400, "Field 'ttl' must be a whole number of seconds from 60 to 86400")
TOO_LARGE = (413, "Message exceeds maximum size of 100KB")


def with_message(message: object) -> bytes:
    return json.dumps({"message": message}).encode()


ACCEPTED = {
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

REFUSED = {
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


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_message_comes_back_as_it_was_sent(client: httpx.Client, case: str) -> None:
    body, message = ACCEPTED[case]
    created = client.post("/", content=body)
    assert created.status_code == 200, created.text
    assert list(created.json()) == ["id"]
    assert re.fullmatch("[a-z0-9]{5}", created.json()["id"])
    read = client.get("/" + created.json()["id"])
    assert (read.status_code, read.json()) == (200, {"message": message})


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_in_its_own_words(client: httpx.Client, case: str) -> None:
    body, (status, error) = REFUSED[case]
    answer = client.post("/", content=body)
    assert (answer.status_code, answer.content) == (status, error_body(error))


def test_a_service_that_refused_everything_still_serves(client: httpx.Client) -> None:
    for body, _ in REFUSED.values():
        client.post("/", content=body)
    assert client.post("/", json={"message": "x"}).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
def test_the_content_type_does_not_matter(client: httpx.Client, content_type: str) -> None:
    answer = client.post("/", content=b'{"message": "x"}', headers={"Content-Type": content_type})
    assert answer.status_code == 200


def test_ids_differ(client: httpx.Client) -> None:
    assert len({client.post("/", json={"message": "x"}).json()["id"] for _ in range(50)}) == 50


def test_a_large_body_without_a_length_is_refused_while_it_arrives(client: httpx.Client) -> None:
    answer = client.post("/", content=(b"x" * 50_000 for _ in range(100)))
    assert (answer.status_code, answer.json()) == (413, {"error": TOO_LARGE[1]})


def test_a_declared_length_is_refused_before_the_body(platform: Platform) -> None:
    with socket.create_connection(("127.0.0.1", platform.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{")
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_after_a_refused_body_the_connection_serves_on(platform: Platform) -> None:
    with platform.client() as client:
        for _ in range(20):
            assert client.post("/", content=b"x" * 1_000_000).status_code == 413
            assert client.post("/", json={"message": "x"}).status_code == 200
