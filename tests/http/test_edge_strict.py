"""The server's edge is strict: what RFC 9112 says a server must refuse is refused, and what it must take is taken."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.platforms import start_server
from tests.support.sockets import GET, HOST, POST, connect, exchange, received, statuses

MESSAGE = b'{"message": "secret"}'


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with start_server("--store=memory:", "--rate-limit-per-second=0") as process:
        yield process.port


def post(*fields: bytes, body: bytes = b"") -> bytes:
    return POST + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"

REFUSED = {
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "an invalid Host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "an unknown version": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "a version far away": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n\r\n",
    "no HTTP at all": b"nonsense\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space before the request line": b" GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method that is no token": b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target without a slash": b"GET abc HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target with a fragment": b"GET /#abc HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target that is not ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "an asterisk that is no OPTIONS": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a field without a name": b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "a field without a colon": b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n",
    "white space before the first field": b"GET / HTTP/1.1\r\n " + HOST + b"\r\n",
    "a bare CR in a field": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\rc\r\n\r\n",
    "a bare LF after a field": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\nC: d\r\n\r\n",
    "bare LFs only": b"GET / HTTP/1.1\nHost: x\n\n",
    "a NUL": b"GET / HTTP/1.1\r\n" + HOST + b"A: \0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n\r\n0\r\n\r\n",
    "a length and chunks": post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "chunks and a length": post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"x" * 6),
    "the same length twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"x" * 5),
    "a list of lengths": post(b"Content-Length: 5, 5", body=b"x" * 5),
    "a signed length": post(b"Content-Length: +5", body=b"x" * 5),
    "a negative length": post(b"Content-Length: -5"),
    "a hexadecimal length": post(b"Content-Length: 0x5", body=b"x" * 5),
    "an empty length": post(b"Content-Length:"),
    "a length beyond reason": post(b"Content-Length: " + b"9" * 30),
    "chunks twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunks that are not last": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "a chunk size that is no number": post(CHUNKED, body=b"x\r\n\r\n"),
    "a chunk size with a sign": post(CHUNKED, body=b"+5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk size with 0x": post(CHUNKED, body=b"0x5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk size beyond reason": post(CHUNKED, body=b"f" * 17 + b"\r\n"),
    "an endless chunk extension": post(CHUNKED, body=b"5;" + b"x" * 2_000),
    "a bare LF after a chunk size": post(CHUNKED, body=b"5\nabcde\r\n0\r\n\r\n"),
    "a chunk that is longer than its size": post(CHUNKED, body=b"5\r\nabcdef"),
    "white space behind a chunk size": post(CHUNKED, body=b"5 \r\nabcde\r\n0\r\n\r\n"),
    "a trailer without a colon": post(CHUNKED, body=b"0\r\nabc\r\n\r\n"),
    "a body that ends too early": post(b"Content-Length: 21", body=MESSAGE[:-1]),
    "chunks that end too early": post(CHUNKED, body=b"5\r\nabc"),
    "more than 100 fields": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_an_invalid_request_gets_400_and_a_closed_connection(port: int, data: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(data)
        if data in (REFUSED["a body that ends too early"], REFUSED["chunks that end too early"]):
            connection.shutdown(socket.SHUT_WR)
        answer = received(connection)
    assert statuses(answer) == [400]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert b"\r\nAccess-Control-Allow-Origin: *" in head
    assert list(json.loads(body)) == ["error"]


TAKEN = {
    "a plain request": GET,
    "an empty line before it": b"\r\n" + GET,
    "HTTP/1.0 without Host": b"GET /-/health HTTP/1.0\r\n\r\n",
    "an absolute target": b"GET http://example.org/-/health HTTP/1.1\r\nHost: other\r\n\r\n",
    "an absolute target without a path": b"GET http://example.org HTTP/1.1\r\nHost: other\r\n\r\n",
    "a query": b"GET /-/health?a=b HTTP/1.1\r\n" + HOST + b"\r\n",
    "an empty Host": b"GET /-/health HTTP/1.1\r\nHost:\r\n\r\n",
    "an IPv6 Host": b"GET /-/health HTTP/1.1\r\nHost: [::1]:8787\r\n\r\n",
    "an offer to upgrade": GET[:-2] + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a long header": GET[:-2] + b"A: " + b"b" * 16_000 + b"\r\n\r\n",
    "a tab behind a value": b"GET /-/health HTTP/1.1\r\nHost: example.org\t\r\n\r\n",
    "white space behind chunked": post(CHUNKED + b" \t", body=b'15\r\n{"message": "secret"}\r\n0\r\n\r\n'),
    "white space around a length": post(b"Content-Length:\t 21 \t", body=MESSAGE),
    "a text in Latin-1": GET[:-2] + b"A: \xe9\r\n\r\n",
    "a message": post(b"Content-Length: 21", body=MESSAGE),
    "a message in chunks": post(CHUNKED, body=b'5\r\n{"mes\r\n10\r\nsage": "secret"}\r\n0\r\n\r\n'),
    "chunks with extensions and trailers": post(CHUNKED, body=b'15;a=b\r\n{"message": "secret"}\r\n0\r\nA: b\r\n\r\n'),
    "a chunk for each byte": post(
        CHUNKED, body=b"".join(b"1\r\n%c\r\n" % c for c in MESSAGE + b" " * 5_000) + b"0\r\n\r\n"
    ),
    "Transfer-Encoding in capitals": post(CHUNKED.upper(), body=b'15\r\n{"message": "secret"}\r\n0\r\n\r\n'),
}


@pytest.mark.parametrize("data", TAKEN.values(), ids=TAKEN)
def test_a_valid_request_is_answered(port: int, data: bytes) -> None:
    assert statuses(exchange(port, data)) == [200]


@pytest.mark.parametrize("data", TAKEN.values(), ids=TAKEN)
def test_bytes_may_come_one_by_one(port: int, data: bytes) -> None:
    with connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data[:500]:
            connection.sendall(bytes([byte]))
        connection.sendall(data[500:])
        connection.shutdown(socket.SHUT_WR)
        assert statuses(received(connection)) == [200]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /" + b"x" * 9_000, 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 40_000, 431),
        (post(b"Transfer-Encoding: gzip, chunked"), 501),
        (b"BREW /abc12 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"BREW /a/b HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ],
    ids=["HTTP/2", "long target", "endless target", "endless header", "gzip", "unknown method", "unknown path"],
)
def test_a_refusal_has_the_status_that_tells_why(port: int, data: bytes, status: int) -> None:
    assert statuses(exchange(port, data)) == [status]


def test_a_valid_request_before_garbage_gets_its_own_answer_first(port: int) -> None:
    answer = exchange(port, GET + b"garbage\r\n\r\n" + GET)
    assert statuses(answer) == [200, 400]


def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    posts = post(b"Content-Length: 21", body=MESSAGE) + b"DELETE / HTTP/1.1\r\n" + HOST + b"\r\n"
    assert statuses(exchange(port, GET + posts + GET)) == [200, 200, 405, 200]


def test_a_client_that_waits_for_100_gets_it_before_the_answer(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(post(b"Content-Length: 21", b"Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(MESSAGE)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(received(connection)) == [200]


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(post(b"Content-Length: 10000000", b"Expect: 100-continue"))
        connection.shutdown(socket.SHUT_WR)
        assert statuses(received(connection)) == [413]


def test_a_refused_body_is_skipped_and_the_connection_goes_on(port: int) -> None:
    unwanted = b"PUT /abc12 HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(unwanted)
        assert statuses(connection.recv(65_536)) == [405]
        connection.sendall(b"x" * 5_000 + GET)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(received(connection)) == [200]


def test_a_client_that_waits_for_100_and_is_refused_is_disconnected(port: int) -> None:
    """It may never send the body. Its next request must not be taken for the body."""
    unwanted = b"PUT /abc12 HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(unwanted)
        answer = received(connection)
    assert statuses(answer) == [405]
    assert b"\r\nconnection: close" in answer


def test_a_refused_body_that_breaks_off_gets_no_second_answer(port: int) -> None:
    unwanted = b"PUT /abc12 HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n"
    with connect(port) as connection:
        connection.sendall(unwanted)
        answer = connection.recv(65_536)
        connection.sendall(b"x" * 100)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(answer + received(connection)) == [405]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("further", [20_000, 300_000], ids=["1 MB", "16 MB"])
def test_a_last_response_arrives_although_the_client_sends_on(port: int, version: bytes, further: int) -> None:
    """To close with unread bytes would be to reset the connection: the client could lose the message."""
    body = json.dumps({"message": "x" * 100_000}).encode()
    for _ in range(5):
        created = exchange(port, post(b"Content-Length: %d" % len(body), body=body))
        message_id = json.loads(created.partition(b"\r\n\r\n")[2])["id"].encode()
        request = b"GET /%s HTTP/%s\r\nConnection: close\r\n%s\r\n" % (message_id, version, HOST)
        with connect(port) as connection, ThreadPoolExecutor() as pool:
            sending = pool.submit(connection.sendall, request + GET * further)
            time.sleep(0.05)  # no clock of ours: the server has given its response by now
            answer = b"".join(iter(partial(connection.recv, 65_536), b""))  # raises if it is reset
            connection.shutdown(socket.SHUT_RDWR)
            sending.exception()
        assert answer.endswith(b"x" * 100_000 + b'"}')


def test_a_connection_goes_on_unless_the_client_closes_it(port: int) -> None:
    with connect(port) as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert b"connection: close" not in connection.recv(65_536)
        connection.sendall(GET[:-2] + b"Connection: close\r\n\r\n")
        assert b"connection: close" in received(connection)


def test_a_response_has_a_date_and_a_head_has_no_body(port: int) -> None:
    answer = exchange(port, b"HEAD /-/health HTTP/1.1\r\n" + HOST + b"\r\n")
    assert b"\r\ndate: " in answer
    assert b"\r\ncontent-length: 16\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
