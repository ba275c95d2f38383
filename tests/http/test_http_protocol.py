"""The server's side of HTTP/1.1: requests that are not HTTP, that never end, or that never come."""

import json

import httpx
import pytest

from tests.support.platforms import start_server
from tests.support.sockets import connect, received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"405"),  # to the parser, an unknown method
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    ],
)
def test_a_request_that_is_not_http_gets_an_error_of_the_service(request_bytes: bytes, status: bytes) -> None:
    with start_server("--store=memory:") as process, connect(process.port) as connection:
        connection.sendall(request_bytes)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Access-Control-Allow-Origin: *\r\n" in answer
    assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


def test_endless_headers_are_cut_off() -> None:
    with start_server("--store=memory:") as process:
        with connect(process.port) as connection, pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it comes
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000_000)
        assert httpx.get(process.url).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"])
def test_a_silent_client_is_dropped(sent: bytes) -> None:
    with start_server("--store=memory:", "--idle-timeout=0.2") as process, connect(process.port) as connection:
        connection.sendall(sent)
        assert received(connection) == b""
