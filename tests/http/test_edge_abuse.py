"""No client takes the server from the others: whatever it sends, or does not, costs it its own connection."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import NO_TLS, Process, start_server
from tests.support.processes import cpu_seconds, descriptors, memory
from tests.support.sockets import GET, HOST, POST, connect, exchange, received, reset, statuses

MIB = 1_048_576
IDLE = 0.5  # seconds
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Server:
    """A server that is about to be abused."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url, self.port = process.url, process.port
        httpx.get(self.url)
        self.memory_before = memory(process.pid)

    @property
    def grown(self) -> int:
        """Bytes of memory that the abuse has cost at most."""
        return memory(self.process.pid) - self.memory_before

    def create(self, message: str = "secret") -> str:
        return str(httpx.post(self.url, json={"message": message}, verify=NO_TLS).json()["id"])


@contextmanager
def running(*flags: str) -> Iterator[Server]:
    with start_server("--rate-limit-per-second=0", f"--idle-timeout={IDLE}", *flags) as process:
        yield Server(process)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--store=memory:") as server:
        yield server


def flood(port: int, size: int, start: bytes, part: bytes) -> None:
    """Send `part` again and again, until the server ends the connection or `size` bytes are sent."""
    block = part * (65_536 // len(part) + 1)
    with suppress(OSError), connect(port) as connection:
        connection.settimeout(5)
        connection.sendall(start)
        for _ in range(size // len(block)):
            connection.sendall(block)


ENDLESS = {
    "headers": (b"GET / HTTP/1.1\r\n" + HOST, b"A: " + b"b" * 100 + b"\r\n"),
    "one header": (b"GET / HTTP/1.1\r\n" + HOST + b"A: ", b"b"),
    "a target": (b"GET /", b"x"),
    "empty lines": (b"", b"\r\n"),
    "a chunk size": (CHUNKED, b"0"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 900 + b"\r\ny\r\n"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"A: " + b"b" * 100 + b"\r\n"),
    "one trailer": (CHUNKED + b"0\r\nA: ", b"b"),
    "a body": (POST + b"Content-Length: 900000000\r\n\r\n", b"x"),
    "a body that nobody wants": (CHUNKED.replace(b"POST /", b"PUT /abc12"), b"400\r\n" + b"x" * 1_024 + b"\r\n"),
    "requests": (b"", GET),
    "requests with bodies": (b"", POST + b"Content-Length: 21\r\n\r\n" + b'{"message": "secret"}'),
}  # fmt: skip


def test_what_has_no_end_costs_no_memory(server: Server) -> None:
    """All at once: any of them alone would exceed the bound, if it were kept."""
    with ThreadPoolExecutor(len(ENDLESS)) as floods:
        list(floods.map(lambda endless: flood(server.port, 32 * MIB, *endless), ENDLESS.values()))
    assert httpx.get(server.url).status_code == 200
    assert server.grown < 24 * MIB


def test_others_are_answered_during_a_flood_of_requests(server: Server) -> None:
    stop = threading.Event()

    def flood_on() -> None:
        while not stop.is_set():
            flood(server.port, 16 * MIB, b"", GET)

    flooding = threading.Thread(target=flood_on)
    flooding.start()
    try:
        slowest = 0.0
        for _ in range(20):
            started = cpu_seconds(server.process.pid)  # whatever else is to be done on this machine
            assert statuses(exchange(server.port, GET)) == [200]
            slowest = max(slowest, cpu_seconds(server.process.pid) - started)
    finally:
        stop.set()
        flooding.join()
    assert slowest < 1


def test_a_client_that_never_reads_is_dropped(server: Server) -> None:
    """Its answers are larger than what the kernel buffers, so the server has to keep the rest."""
    with suppress(OSError):
        ids = [server.create("x" * 100_000) for _ in range(100)]
        with connect(server.port) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.sendall(b"".join(b"GET /%s HTTP/1.1\r\n%s\r\n" % (i.encode(), HOST) for i in ids))
            assert until(lambda: open_connections(server) == 0)
    left = sum(httpx.get(f"{server.url}/{message_id}", verify=NO_TLS).status_code == 200 for message_id in ids)
    assert left > 20  # what it did not take was not read for it


def open_connections(server: Server) -> int:
    """Connections of the server, the listening socket left out."""
    port = f":{server.port:04X}"
    lines = Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(port) and line.split()[3] in ("01", "08") for line in lines)


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


SLOW = {
    "nothing": (b"", b""),
    "half a head": (b"GET / HT", b""),
    "a head byte by byte": (b"GET / HTTP/1.1\r\n" + HOST + b"A: ", b"b"),
    "half a body": (POST + b"Content-Length: 9\r\n\r\n{", b""),
    "a body byte by byte": (POST + b"Content-Length: 900000\r\n\r\n{", b" "),
    "chunks byte by byte": (CHUNKED, b"1\r\n \r\n"),
    "a refused body byte by byte": (b"PUT /abc12 HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n", b"x"),
}


def test_slow_clients_are_dropped(server: Server) -> None:
    """However they spread their bytes: a head has a deadline in all, and so has a body."""
    with ThreadPoolExecutor(len(SLOW)) as clients:
        dropped = clients.map(lambda slow: is_dropped(server, *slow), SLOW.values())
        assert [name for name, is_it in zip(SLOW, dropped, strict=True) if not is_it] == []


def is_dropped(server: Server, start: bytes, part: bytes) -> bool:
    with connect(server.port) as connection:
        connection.sendall(start)
        connection.settimeout(IDLE / 10)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                connection.sendall(part)
                if connection.recv(65_536) == b"":
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
    return False


def test_too_many_connections_make_room_for_a_new_one() -> None:
    with running("--store=memory:", "--max-connections=20", "--idle-timeout=60") as server:
        idle = [connect(server.port) for _ in range(200)]
        for _ in range(3):
            assert httpx.get(server.url).status_code == 200
        assert descriptors(server.process.pid) < 60
        for connection in idle:
            connection.close()


def test_a_server_stops_at_once_although_clients_hang_on() -> None:
    with running("--store=memory:", "--idle-timeout=60") as server:
        silent = [connect(server.port) for _ in range(20)]
        slow = [connect(server.port) for _ in range(20)]
        for connection in slow:
            connection.sendall(b"GET / HT")
        started = time.monotonic()
        assert server.process.stop() == 0
        assert time.monotonic() - started < 10  # its grace would be 30 seconds
        for connection in silent + slow:
            connection.close()


def test_what_is_in_flight_is_answered_before_the_server_stops() -> None:
    with running("--store=memory:", "--idle-timeout=60") as server, connect(server.port) as connection:
        connection.sendall(POST + b'Content-Length: 21\r\n\r\n{"message"')
        assert until(lambda: open_connections(server) == 1)
        stopping = threading.Thread(target=server.process.stop)
        stopping.start()
        assert until(lambda: not accepts(server.port))
        connection.sendall(b': "secret"}')
        assert statuses(received(connection)) == [200]
        connection.close()
        stopping.join()


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_client_that_has_finished_sending_gets_its_answer(tmp_path: Path) -> None:
    with running(f"--store=sqlite:///{tmp_path}/messages.db", "--idle-timeout=60") as server:
        for _ in range(50):
            answer = exchange(server.port, b"GET /%s HTTP/1.1\r\n%s\r\n" % (server.create().encode(), HOST))
            assert answer.endswith(b'{"message": "secret"}')


@pytest.mark.parametrize("store", ["memory:", "sqlite:///{}/messages.db"])
def test_a_reader_who_has_left_takes_nothing(store: str, tmp_path: Path) -> None:
    """The server is stopped meanwhile, so that it finds the request and the reset at the same moment."""
    with running(f"--store={store.format(tmp_path)}", "--idle-timeout=60") as server:
        ids = [server.create() for _ in range(8)]
        os.kill(server.process.pid, signal.SIGSTOP)
        for message_id in ids:
            connection = connect(server.port)
            connection.sendall(b"GET /%s HTTP/1.1\r\n%s\r\n" % (message_id.encode(), HOST))
            reset(connection)
        os.kill(server.process.pid, signal.SIGCONT)
        for message_id in ids:
            assert httpx.get(f"{server.url}/{message_id}").json() == {"message": "secret"}


HEADERS = {
    "Cookie": "\\" * 30_000,
    "cookie pairs": "a=b;" * 7_000,
    "Accept": "," * 30_000,
    "accept qualities": "text/html;q=0.1," * 1_900,
    "X-Forwarded-For": "1," * 15_000,
    "Authorization": "Bearer " + "." * 30_000,
    "Host": "a" * 30_000,
}


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_takes_long_to_parse(server: Server, name: str) -> None:
    """Of 200 such requests each takes a few milliseconds at most; one alone took 8 seconds."""
    field = {"cookie pairs": "Cookie", "accept qualities": "Accept"}.get(name, name)
    host = b"" if field == "Host" else HOST
    head = b"POST /abc12/reveal HTTP/1.1\r\n%s%s: %s\r\n\r\n" % (host, field.encode(), HEADERS[name].encode())
    started = cpu_seconds(server.process.pid)
    for _ in range(200):
        assert statuses(exchange(server.port, head))[0] in (400, 403, 404)
    assert cpu_seconds(server.process.pid) - started < 4
