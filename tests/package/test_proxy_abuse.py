"""One client's faults, behind the proxies of `deploy/`, are not blamed on the server: all others are answered."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import Process, start_server
from tests.support.proxies import PROXIES, Proxy, client_at
from tests.support.sockets import received, reset, statuses

IDLE = 2  # seconds
ABUSER, HONEST = "127.0.0.66", "127.0.0.7"
HOST = b"Host: 127.0.0.1\r\n"  # Caddy serves no other
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = POST + b"Content-Length: 900\r\n\r\n"

Leave = Callable[[socket.socket], object]


def leave(connection: socket.socket) -> None:
    connection.close()


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    received(connection)


def stay(connection: socket.socket) -> None:
    received(connection)


FAULTS: dict[str, tuple[bytes, Leave]] = {
    "a broken chunk": (CHUNKED + b'5\r\n{"mes\r\nzz\r\n', stay),
    "a broken first chunk": (CHUNKED + b"zz\r\n", stay),
    "a chunk that is cut off": (CHUNKED + b"500\r\n{", half_close),
    "a body that is cut off": (SIZED + b"{", half_close),
    "an upload that is left": (SIZED + b"{", leave),
    "an upload that is reset": (SIZED + b"{", reset),
    "a chunked upload that is reset": (CHUNKED + b"5\r\n{", reset),
    "an upload that stops": (SIZED + b"{", stay),
    "a chunked upload that stops": (CHUNKED + b"5\r\n{", stay),
    "a body that never comes": (SIZED, stay),
    "a promise of a body": (SIZED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), leave),
    "a body that is too large": (POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000, stay),
    "too large, and left": (POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 2_000_000, reset),
    "a chunked body that is too large": (CHUNKED + b"2dc6c0\r\n" + b"x" * 3_000_000 + b"\r\n0\r\n\r\n", stay),
    "chunks of one byte": (CHUNKED + b"1\r\nx\r\n" * 50_000, stay),
    "a body that nobody wants": (b"GET /-/health HTTP/1.1\r\n" + HOST + b"Content-Length: 70000\r\n\r\nx", stay),
    "a head that is too long": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 30_000 + b"\r\n\r\n", stay),
    "too many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 150 + b"\r\n", stay),
    "a host that is none": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", stay),
    "a method that is none": (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", stay),
    "a reset in the middle of an answer": (b"GET /-/openapi.json HTTP/1.1\r\n" + HOST + b"\r\n", reset),
}  # fmt: skip


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return PROXIES[request.param]


FLAGS = ("--store=memory:", "--trusted-proxies=127.0.0.1", "--rate-limit-per-second=0", f"--idle-timeout={IDLE}")


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Process]]:
    with start_server(*FLAGS) as one, start_server(*FLAGS) as other:
        yield [one, other]


@pytest.fixture
def url(proxy: Proxy, servers: list[Process], tmp_path: Path) -> Iterator[httpx.URL]:
    """Where the proxy listens; two servers are behind it."""
    with proxy(tmp_path, *(server.port for server in servers)) as url:
        yield httpx.URL(url)


def connect(url: httpx.URL, address: str = ABUSER) -> socket.socket:
    return socket.create_connection((url.host, url.port or 0), timeout=3 * IDLE, source_address=(address, 0))


def commit(url: httpx.URL, data: bytes, end: Leave) -> None:
    with suppress(OSError), connect(url) as connection:
        connection.sendall(data)
        end(connection)


@contextmanager
def abused(url: httpx.URL) -> Iterator[None]:
    """All faults at once, each of them again and again; small ones by several clients."""
    stopped = threading.Event()

    def abuse(data: bytes, end: Leave) -> None:
        while not stopped.wait(0.02 + len(data) / 2_000_000):
            commit(url, data, end)

    faults = [fault for fault in FAULTS.values() for _ in range(4 if len(fault[0]) < 1_000 else 1)]
    with ThreadPoolExecutor(len(faults)) as executor:
        for data, end in faults:
            executor.submit(abuse, data, end)
        try:
            yield
        finally:
            stopped.set()


def is_late(response: httpx.Response, seconds: float) -> bool:
    """Whether the client, or the proxy, took longer than a server waits for a request: where all are busy, they may.

    The server tells of it within a body by 408. To a connection that brings nothing it says nothing: that is 502.
    """
    return response.status_code in (408, 502) and seconds > IDLE


def test_no_honest_request_fails_beside_clients_that_break_off(url: httpx.URL, tmp_path: Path) -> None:
    with client_at(HONEST, str(url)) as someone, abused(url):
        answered, end = 0, time.monotonic() + 1.5 * IDLE
        while time.monotonic() < end or not answered:
            began = time.monotonic()
            created = someone.post("/", json={"message": "secret"})
            if is_late(created, time.monotonic() - began):
                continue
            assert created.status_code == 200, (created.text, (tmp_path / "log").read_text())
            answered += 1


def test_an_upload_that_stops_is_answered_by_the_server(url: httpx.URL) -> None:
    """A connection that is closed without an answer looks, to a proxy, like a server that fails."""
    uploads = ["an upload that stops", "a chunked upload that stops"]
    answers = [400]
    for patience in (1.5, 3, 6, 12):  # the last ones for a server that is busy
        with connect(url) as sized, connect(url) as chunked:
            for connection, upload in zip((sized, chunked), uploads, strict=True):
                connection.sendall(FAULTS[upload][0])
            time.sleep(patience * IDLE)
            answers = []
            for connection in (sized, chunked):
                connection.shutdown(socket.SHUT_WR)  # Caddy answers when it need not wait for the rest of the body
                answers += statuses(received(connection))
        if 400 not in answers:  # the end of the body came before the end of the server's patience
            break
    assert answers == [408, 408]
