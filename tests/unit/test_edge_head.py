"""The head of a request is read as a second, simple reading of RFC 9112 reads it, whatever is wrong with it."""

import random
from collections.abc import Iterator

import pytest

from crypt_api.server.edge.head import Head, HeadReader, Refusal
from tests.support.edge_model import IncompleteError, ModelHead, RefusedError, read_head

HEADS = [
    b"GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX: y z\r\n\r\n",
    b"POST http://h:1/p?q HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n",
]
SPLICES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b"\0", b"\r\n\r\n", b"Host: q\r\n", b"Content-Length: 3\r\n",
           b"Transfer-Encoding: chunked\r\n"]  # fmt: skip


def with_one_other_byte(head: bytes) -> Iterator[bytes]:
    """The head with each byte inserted, and put in place of another one, everywhere."""
    for at in range(len(head) + 1):
        for byte in range(256):
            yield head[:at] + bytes([byte]) + head[at:]
            yield head[:at] + bytes([byte]) + head[at + 1 :]


def with_some_faults(head: bytes) -> Iterator[bytes]:
    rng = random.Random(0)
    for _ in range(3_000):
        changed = bytearray(head)
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(len(changed) + 1)
            changed[at : at + rng.choice([0, 0, 1, 3])] = rng.choice(SPLICES)
        yield bytes(changed)


def of_edge(data: bytes) -> Head | int | None:
    """The head, the status of the refusal, or None if more bytes are needed."""
    buffer = bytearray(data)
    try:
        head = HeadReader().take(buffer)
    except Refusal as refusal:
        return int(refusal.status)
    return head


def of_model(data: bytes) -> ModelHead | set[int] | None:
    try:
        return read_head(data, 0)
    except RefusedError as refused:
        return refused.statuses
    except IncompleteError:
        return None


def check(data: bytes) -> None:
    ours, theirs = of_edge(data), of_model(data)
    if isinstance(ours, Head) and isinstance(theirs, ModelHead):
        assert (ours.method, ours.path, ours.length) == (theirs.method, theirs.path, theirs.length), data
        assert (ours.keep_alive, {**ours.headers, "host": ""}) == (theirs.keep_alive, {**theirs.headers, "host": ""}), (
            data
        )
    elif isinstance(ours, int) and isinstance(theirs, set):
        assert ours in theirs, data
    else:
        assert ours is None, data
        assert theirs is None, data


@pytest.mark.parametrize("head", HEADS, ids=["length", "chunked", "HTTP/1.0"])
def test_no_other_byte_makes_another_request(head: bytes) -> None:
    for data in with_one_other_byte(head):
        check(data)


@pytest.mark.parametrize("head", HEADS, ids=["length", "chunked", "HTTP/1.0"])
def test_faults_are_refused(head: bytes) -> None:
    for data in with_some_faults(head):
        check(data)
