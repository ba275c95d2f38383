"""From a request's bytes to JSON: how many bytes are taken, and which bytes are JSON."""

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_core.http import body_hints
from crypt_core.http.body import MAX_NESTING, parse_json, read_body
from crypt_core.http.errors import InvalidJson, MessageTooLarge, UnsupportedEncoding


class Body:
    """A body that arrives in chunks, and counts how many were taken."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.taken += 1
            yield chunk


@pytest.mark.parametrize("chunks", [(), (b"",), (b"1234567890",), (b"12345", b"", b"67890"), (b"1",) * 10])
@pytest.mark.parametrize("headers", [{}, {"content-length": "10"}, {"content-length": "3"}])
async def test_a_body_within_the_limit_is_taken_whole(chunks: tuple[bytes, ...], headers: dict[str, str]) -> None:
    assert await read_body(Body(*chunks), headers, 10) == b"".join(chunks)


async def test_a_body_over_the_limit_is_not_taken_any_further() -> None:
    body = Body(b"12345", b"67890", b"1", b"2", b"3")
    with pytest.raises(MessageTooLarge):
        await read_body(body, {}, 10)
    assert body.taken == 3


@pytest.mark.parametrize("declared", ["11", "0011", "9999999999999999999"])
async def test_a_length_over_the_limit_is_refused_before_the_body(declared: str) -> None:
    body = Body(b"1")
    with pytest.raises(MessageTooLarge):
        await read_body(body, {"content-length": declared}, 10)
    assert body.taken == 0


@pytest.mark.parametrize("declared", ["", "x", "-11", "+11", "1e9", "11 ", "\uff11\uff11", "²", "9" * 20, "9" * 5_000])
async def test_a_length_that_is_not_a_number_is_not_believed(declared: str) -> None:
    assert await read_body(Body(b"1"), {"content-length": declared}, 10) == b"1"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "X-GZIP", "aws-chunked"])
async def test_an_encoded_body_is_refused_before_it_is_taken(encoding: str) -> None:
    body = Body(b"1")
    with pytest.raises(UnsupportedEncoding):
        await read_body(body, {"content-encoding": encoding}, 10)
    assert body.taken == 0


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
async def test_a_body_may_say_that_it_is_not_encoded(encoding: str) -> None:
    assert await read_body(Body(b"1"), {"content-encoding": encoding}, 10) == b"1"


JSON = '{"message": "Grüße"}'
MULTIPART = b"--xyz\r\nContent-Disposition: form-data; name=message\r\n\r\nhi\r\n--xyz--\r\n"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (JSON.encode("utf-8-sig"), body_hints.BOM),
        (JSON.encode("utf-16"), body_hints.UTF_16),
        (JSON.encode("utf-16-le"), body_hints.UTF_16),
        (JSON.encode("utf-16-be"), body_hints.UTF_16),
        (JSON.encode("utf-32"), body_hints.UTF_16),
        (JSON.encode("utf-32-be"), body_hints.UTF_16),
        (JSON.encode("latin-1"), body_hints.NOT_UTF_8),
        ('{"message": "“hi”"}'.encode("cp1252"), body_hints.NOT_UTF_8),
        (gzip.compress(JSON.encode(), mtime=0), body_hints.COMPRESSED),
        (zlib.compress(JSON.encode()), body_hints.COMPRESSED),
        (MULTIPART, body_hints.MULTIPART),
        (MULTIPART.replace(b"\r\n", b"\n"), body_hints.MULTIPART),
        (b"message=hi", body_hints.FORM),
        (b"ttl=60&message=hi", body_hints.FORM),
        (b"%7B%22message%22%3A%22hi%22%7D", body_hints.FORM),
        (b'{"message":"hi"}=', body_hints.FORM),
        (b"'{message:", body_hints.QUOTED),  # cmd.exe: curl -d '{"message": "hi"}'
        (b'\'{"message": "hi"}\'', body_hints.QUOTED),
        (b'"{"message": "hi"}"', body_hints.QUOTED),
        (b"{message: hi}", body_hints.UNQUOTED),  # PowerShell
        (b"{message:", body_hints.UNQUOTED),
        (b"{'message': 'hi'}", body_hints.UNQUOTED),
        (b'{\\"message\\": \\"hi\\"}', body_hints.UNQUOTED),
        ("{“message”: “hi”}".encode(), body_hints.UNQUOTED),
        (b'{"message": "two\nlines"}', body_hints.LINE_BREAK),
        (b'{"message": "a\ttab"}', body_hints.LINE_BREAK),
        (b"\r\n" + JSON.encode("utf-8-sig"), body_hints.BOM),
        (JSON.encode("utf-8-sig").decode("latin-1").encode(), body_hints.BOM),
        (zlib.compress(JSON.encode(), 3), body_hints.COMPRESSED),
        (bz2.compress(JSON.encode()), body_hints.COMPRESSED),
        (lzma.compress(JSON.encode()), body_hints.COMPRESSED),
        (b"PK\x03\x04", body_hints.COMPRESSED),
        (b'{""message"": ""hi""}', body_hints.UNQUOTED),
        (b'{`"message`": `"hi`"}', body_hints.UNQUOTED),
        (b'{^"message^": ^"hi^"}', body_hints.UNQUOTED),
        (b"{\"message\": 'hi'}", body_hints.UNQUOTED),
        (b'{"message": hi}', body_hints.UNQUOTED),
        ('{"message": “hi”}'.encode(), body_hints.UNQUOTED),
        (b"{&#34;message&#34;: 1}", body_hints.UNQUOTED),
        (b'$\'{"message": "hi"}\'', body_hints.QUOTED),
        ('“{"message": "hi"}”'.encode(), body_hints.QUOTED),
        (rb'{"message": "C:\Windows"}', body_hints.BACKSLASH),
        (rb'{"message": "\x41"}', body_hints.BACKSLASH),
        ('{"message":\u00a0"hi"}'.encode(), body_hints.INVISIBLE),
        ('\u200b{"message": "hi"}'.encode(), body_hints.INVISIBLE),
        ('{"message": "hi"}\ufeff'.encode(), body_hints.INVISIBLE),
        (rb'{"message": "\u00a0 \\ \"", "\u200b": }', ""),
        ('{"message": "\u00a0\u200b", }'.encode(), ""),
        (b'{"message": True}', ""),
        (b"", ""),
        (b"hello", ""),
        (b'{"message": "cut off', ""),
        (b'{"message": "x"} x', ""),
        (b'{"message": NaN}', ""),
        (b'{\n"message": "x",\n}', ""),
    ],
)
def test_a_body_that_is_not_json_gets_a_hint_at_what_is_wrong_with_it(data: bytes, hint: str) -> None:
    with pytest.raises(InvalidJson) as error:
        parse_json(data)
    assert error.value.hint == hint
    assert error.value.body == {"error": "Invalid JSON body"} | ({"hint": hint} if hint else {})


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "0" + closing * depth).encode()


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('[{"]}":', "}]")])
def test_json_may_nest_to_a_limit(pair: tuple[str, str]) -> None:
    depth = MAX_NESTING // sum(map(pair[0].replace('"]}"', "").count, "[{"))
    assert parse_json(nested(depth, *pair)) == json.loads(nested(depth, *pair))
    with pytest.raises(InvalidJson):
        parse_json(nested(depth + 1, *pair))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([[]] * 1_000),
        json.dumps([{}, [[]]] * 1_000),
        json.dumps("[" * 1_000),
        json.dumps({"[" * 1_000: "{" * 1_000}),
        json.dumps(['"[', '\\"[', "\\", '\\\\"['] * 1_000),
        json.dumps({"a": [1, 2.5, True, None, "x"]}) + " " * 1_000,
    ],
)
def test_brackets_side_by_side_or_in_strings_do_not_count(text: str) -> None:
    assert parse_json(text.encode()) == json.loads(text)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


tricky = st.text(alphabet='[]{}"\\,: x', max_size=10)
values = st.recursive(
    tricky | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3)
)


@given(values, st.integers(0, MAX_NESTING + 2))
def test_only_the_depth_decides(value: Any, more: int) -> None:
    for _ in range(more):
        value = [value]
    text = json.dumps(value).encode()
    if depth_of(value) <= MAX_NESTING:
        assert parse_json(text) == value
    else:
        with pytest.raises(InvalidJson):
            parse_json(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "[1, NaN]", "", "]", "[", '"', "{'a': 1}", "1 2"])
def test_what_python_or_others_call_json_is_not(text: str) -> None:
    with pytest.raises(InvalidJson) as error:
        parse_json(text.encode())
    assert error.value.__cause__ is None  # it would quote the body


@given(st.binary(max_size=50))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with suppress(InvalidJson):
        parse_json(data)
