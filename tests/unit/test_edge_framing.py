"""The framing of bodies: decoded alike however the bytes are cut, and a bounded part of it at a time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.edge.framing import ChunkedDecoder, LengthDecoder
from crypt_api.server.edge.head import Refusal
from crypt_api.server.edge.limits import FRAMING_BYTES, MAX_STEPS

chunks = st.lists(st.binary(min_size=1, max_size=50), max_size=20)
extensions = st.sampled_from([b"", b";a", b" ; a=b", b';a="b c"'])
trailers = st.lists(st.sampled_from([b"A: b", b"C:", b"D:\t\xe9"]), max_size=3)


def encode(parts: list[bytes], extension: bytes, trailer: list[bytes]) -> bytes:
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return body + b"0\r\n" + b"".join(line + b"\r\n" for line in trailer) + b"\r\n"


def decode(decoder: ChunkedDecoder | LengthDecoder, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Feed the bytes in pieces; return what was decoded, and what was left over."""
    buffer, decoded = bytearray(), b""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        buffer += data[start:end]
        decoded += decoder.take(buffer)
        while decoder.is_behind:
            decoded += decoder.take(buffer)
    return decoded, bytes(buffer)


@given(parts=chunks, extension=extensions, trailer=trailers, cuts=st.lists(st.integers(0, 2_000), max_size=5))
def test_chunks_are_decoded_wherever_they_are_cut(
    parts: list[bytes], extension: bytes, trailer: list[bytes], cuts: list[int]
) -> None:
    decoder = ChunkedDecoder()
    assert decode(decoder, encode(parts, extension, trailer) + b"next", cuts) == (b"".join(parts), b"next")
    assert decoder.is_complete


@given(body=st.binary(max_size=100), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_a_length_is_decoded_wherever_it_is_cut(body: bytes, cuts: list[int]) -> None:
    decoder = LengthDecoder(len(body))
    assert decode(decoder, body + b"next", cuts) == (body, b"next")
    assert decoder.is_complete


@given(data=st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        decoded, left = decode(ChunkedDecoder(), data, [])
    except Refusal:
        return
    assert len(decoded) + len(left) <= len(data)


def test_one_turn_decodes_a_bounded_part() -> None:
    decoder, buffer = ChunkedDecoder(), bytearray(b"1\r\nx\r\n" * MAX_STEPS)
    assert 0 < len(decoder.take(buffer)) < MAX_STEPS
    assert decoder.is_behind


def test_framing_has_a_cap() -> None:
    part = b"1;" + b"y" * 900 + b"\r\nx\r\n"
    with pytest.raises(Refusal):
        decode(ChunkedDecoder(), part * (2 * FRAMING_BYTES // len(part) + 100), [])


def test_a_body_may_have_a_chunk_for_each_byte() -> None:
    decoder, body = ChunkedDecoder(), b"x" * 100_000
    assert decode(decoder, encode([b"x"] * len(body), b"", []), []) == (body, b"")
    assert decoder.is_complete


@pytest.mark.parametrize("data", [b"5 \r\nabcde\r\n", b"5\t\r\nabcde\r\n", b"5\r\nabcdex", b"5\r\nabcde\rx"])
def test_invalid_framing_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(Refusal):
        decode(ChunkedDecoder(), data, [])
