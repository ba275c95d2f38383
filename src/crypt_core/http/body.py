"""From a request's bytes to a JSON object, without trusting either its size or its shape."""

import json
import re
from collections.abc import AsyncIterable, Mapping
from typing import Any, NoReturn

from crypt_core.http.body_hints import hint_for
from crypt_core.http.errors import InvalidJson, MessageTooLarge, PartialBody, UnsupportedEncoding
from crypt_core.http.types import Request

MAX_NESTING = 16
"""Arrays and objects within each other. A valid body needs 1; the fields that are ignored may need more."""

_NOT_BRACKETS = re.compile(r"[^][{}]+")
_TO_SQUARE = str.maketrans("{}", "[]")


async def read_body(body: AsyncIterable[bytes], headers: Mapping[str, str], limit: int) -> bytes:
    """Collect the body, and stop at the first sign that the body is over `limit` bytes.

    Raises:
        UnsupportedEncoding: The body is compressed, or encoded in another way.
        MessageTooLarge: `Content-Length` is over the limit, or more bytes have arrived.
    """
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding
    if _declared_length(headers) > limit:
        raise MessageTooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > limit:
            raise MessageTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def refuse_partial_body(request: Request) -> None:
    """Raise `PartialBody` if the request puts only a part of something."""
    if request.method == "PUT" and "content-range" in request.headers:
        raise PartialBody


def parse_json(data: bytes, text_hint: str = "") -> Any:
    """Parse UTF-8 JSON as RFC 8259 has it: no BOM, no NaN, no replaced characters.

    `text_hint` is for the sender of a text that has no sign of being meant as JSON.

    Raises:
        InvalidJson: The bytes are not such JSON, or are nested beyond `MAX_NESTING`.
    """
    try:
        text = data.decode()
        if _nesting_exceeds(text, MAX_NESTING):
            raise InvalidJson
        return _decode_json(text)
    except ValueError:  # UnicodeDecodeError, JSONDecodeError, or an integer of thousands of digits
        is_text = not data.lstrip().startswith((b"{", b"["))
        raise InvalidJson(hint_for(data) or (text_hint if is_text else "")) from None


def _declared_length(headers: Mapping[str, str]) -> int:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0  # noqa: PLR2004


def _refuse_constant(_: str) -> NoReturn:
    raise InvalidJson


_decode_json = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _nesting_exceeds(text: str, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`, found before a recursive parser meets them.

    In the Worker the recursive parser overflows the wasm stack and stops the isolate. Every step here runs in C and
    in linear time: drop the escapes, so that quotes only delimit strings; keep what is outside of strings;
    keep its brackets; then take away the innermost pairs, one level at a time. Text that is not JSON may be
    misjudged after its first fault, but the parser stops at that fault, too.
    """
    if not (_has_more_than(limit // 2, "[", text) or _has_more_than(limit // 2, "{", text)):
        return False
    outside_strings = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    brackets = _NOT_BRACKETS.sub("", outside_strings).translate(_TO_SQUARE)
    for _ in range(limit):
        brackets = brackets.replace("[]", "")
    return bool(brackets)


def _has_more_than(limit: int, character: str, text: str) -> bool:
    """In a long text that has few of them, this takes a tenth of the time of `text.count`."""
    position = -1
    for _ in range(limit + 1):
        position = text.find(character, position + 1)
        if position < 0:
            return False
    return True
