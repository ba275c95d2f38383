"""Random clients against a real server: what comes back is what must come.

Their requests are valid, invalid and mutated; they are cut, paused, half-closed, closed and reset anywhere.
Every byte that comes back is compared with a model (`tests/support/edge_model.py`).

A failure names its seed: `python -m tests.http.test_edge_fuzz --seed N --cases 1` runs that one connection again.
"""

import argparse
import asyncio
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from tests.support.edge import EVENT_LOOPS, start_on
from tests.support.edge_model import Expected, expected
from tests.support.processes import descriptors
from tests.support.sockets import GET, HOST, exchange

CONCURRENT = 32

Random = random.Random


def post(body: bytes, *fields: bytes) -> bytes:
    head = b"".join(field + b"\r\n" for field in (b"Content-Length: %d" % len(body), *fields))
    return b"POST / HTTP/1.1\r\n" + HOST + head + b"\r\n" + body


def chunked(rng: Random, body: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    """The body in chunks of random sizes, some with extensions, and perhaps trailer fields."""
    parts = []
    while body:
        size = rng.choice([1, 2, 5, 100, 5_000, 70_000] if len(body) < 10_000 else [5_000, 70_000])
        part, body = body[:size], body[size:]
        extension = rng.choice([b"", b"", b"", b";a=b", b" ; c"])
        parts.append(b"%x%s\r\n%s\r\n" % (len(part), extension, part))
    trailer = rng.choice([b"", b"", b"A: b\r\n", b"C:\r\nD: e\r\n"])
    head = line + b"\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def get(path: bytes, *fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return b"%s %s HTTP/%s\r\n%s%s\r\n" % (method, path, version, HOST, b"".join(f + b"\r\n" for f in fields))


MESSAGE = b'{"message": "secret"}'
LARGE = b'{"message": "%s"}' % (b"x" * 102_400)
TOO_LARGE = b'{"message": "%s"}' % (b"x" * 620_000)

REQUESTS: list[Callable[[Random, bytes], bytes]] = [
    lambda _, __: get(b"/-/health"),
    lambda _, __: get(b"/-/health", b"Content-Length: 3") + b"abc",
    lambda _, __: get(b"/-/health", method=b"HEAD"),
    lambda _, __: get(b"/-/health", b"Connection: upgrade", b"Upgrade: h2c"),
    lambda _, __: get(b"http://other/-/health?a=b"),
    lambda _, __: get(b"/-/openapi.json"),
    lambda _, __: get(b"*", method=b"OPTIONS"),
    lambda _, __: get(b"/a/b/c"),
    lambda _, __: get(b"/", method=b"DELETE"),
    lambda _, path: get(path),
    lambda _, path: get(path),
    lambda _, path: get(path, b"Content-Length: 5") + b"abcde",
    lambda _, path: get(path, method=b"DELETE"),
    lambda _, __: post(MESSAGE),
    lambda _, __: post(MESSAGE[:-1]),
    lambda _, __: post(MESSAGE, b"Expect: 100-continue"),
    lambda _, __: post(LARGE),
    lambda rng, __: chunked(rng, MESSAGE),
    lambda rng, __: chunked(rng, MESSAGE + b" " * 5_000),
    lambda rng, __: chunked(rng, MESSAGE, b"PUT /abc12 HTTP/1.1"),
    lambda _, __: post(MESSAGE).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(b"x" * 20_000).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: b"\r\n" + get(b"/-/health"),
]  # fmt: skip

ENDINGS: list[Callable[[Random, bytes], bytes]] = [
    lambda _, __: b"",
    lambda _, __: get(b"/-/health", b"Connection: close"),
    lambda _, path: get(path, b"Connection: close"),
    lambda _, path: get(path, version=b"1.0"),
    lambda _, __: post(b"x" * 100_000).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(b"x" * 30, b"Expect: 100-continue").replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(TOO_LARGE),
    lambda rng, __: chunked(rng, TOO_LARGE),
    lambda rng, __: rng.randbytes(rng.randrange(1, 300)),
    lambda _, __: get(b"/-/health", b"A: " + b"b" * 40_000),
    lambda _, __: get(b"/-/health")[:-7],
    lambda _, __: post(MESSAGE)[:-7],
    lambda _, __: get(b"/" + b"x" * 9_000),
]  # fmt: skip

SPLICES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\r\n\r\n", b"0\r\n\r\n", b"A: b\r\n", b"Content-Length: 5\r\n",
           b"Transfer-Encoding: chunked\r\n", b"\r\nTransfer-Encoding: chunked", b"\xff", b"\x7f", b"\t"]  # fmt: skip


def mutated(rng: Random, data: bytes) -> bytes:
    """The bytes with one to three small faults, mostly near their beginning."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(min(len(changed), rng.choice([60, 400, 1_000_000])) + 1)
        splice = rng.choice(SPLICES) if rng.random() < 0.8 else rng.randbytes(1)
        changed[at : at + rng.choice([0, 0, 1, 2])] = splice
    return bytes(changed)


@dataclass
class Client:
    """What one random client does.

    Attributes:
        pieces: What it sends, each piece after a pause in seconds.
        leaves_after: Bytes after which it closes or resets the connection; None if it stays for all responses.
        reads_late: Seconds that it sends only, with a small receive buffer.
    """

    seed: int
    messages: dict[str, str]
    data: bytes
    pieces: list[tuple[bytes, float]]
    leaves_after: int | None
    resets: bool
    reads_late: float
    half_closes_after: float


def random_client(seed: int, messages: dict[str, str]) -> Client:
    rng = Random(seed)
    paths = [b"/" + message_id.encode() for message_id in messages]
    parts = [rng.choice(REQUESTS)(rng, rng.choice(paths)) for _ in range(rng.randrange(6))]
    parts.append(rng.choice(ENDINGS)(rng, rng.choice(paths)) if rng.random() < 0.6 else b"")
    data = b"".join(parts)
    if rng.random() < 0.4:
        data = mutated(rng, data)
    if rng.random() < 0.1:
        data += rng.choice(REQUESTS)(rng, rng.choice(paths)) * rng.randrange(1, 300)
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice([0, 0, 1, 3, 10])))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    if len(data) < 200 and rng.random() < 0.3:
        pieces = [data[n : n + 1] for n in range(len(data))]
    pauses = [rng.choice([0, 0, 0, 0.001, 0.02]) for _ in pieces]
    return Client(
        seed,
        messages,
        data,
        list(zip(pieces, pauses, strict=True)),
        rng.randrange(len(data) + 1) if rng.random() < 0.25 else None,
        rng.random() < 0.5,
        rng.choice([0, 0, 0, 0.3]),
        rng.choice([0, 0, 0.05]),
    )


async def converse(client: Client, port: int) -> bytes:
    """Do what the client does; everything that came back until the end of the connection.

    Raises:
        ConnectionResetError: The server did not end the connection in order.
    """
    sock = socket.socket()
    if client.reads_late:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)  # noqa: FBT003
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = bytearray()

    async def read() -> None:
        await asyncio.sleep(client.reads_late)
        while chunk := await loop.sock_recv(sock, 65_536):
            received.extend(chunk)

    async def write() -> None:
        left = len(client.data) if client.leaves_after is None else client.leaves_after
        with suppress(OSError):  # the server has refused it: what matters is what it said
            for piece, pause in client.pieces:
                await asyncio.sleep(pause)
                await loop.sock_sendall(sock, piece[:left])
                left -= len(piece[:left])
            if client.leaves_after is None:
                await asyncio.sleep(client.half_closes_after)
                sock.shutdown(socket.SHUT_WR)

    reader = asyncio.create_task(read())
    try:
        async with asyncio.timeout(30):
            await write()
            if client.leaves_after is None:
                await reader
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await reader
        if client.leaves_after is not None and client.resets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    return bytes(received)


def judge(client: Client, received: bytes) -> None:
    """Raise AssertionError unless the bytes are what must come back."""
    rest = received
    may_end = client.leaves_after is not None
    for response in expected(client.data, client.messages):
        while rest.startswith(b"HTTP/1.1 100 "):
            rest = rest.partition(b"\r\n\r\n")[2]
        if not rest:
            assert may_end or response.is_optional, f"nothing instead of {response}"
            return
        rest, ends = _take_response(response, rest, may_end=may_end)
        if ends:
            break
    assert not rest, f"more than there must be: {rest[:300]!r}"


def _take_response(response: Expected, rest: bytes, *, may_end: bool) -> tuple[bytes, bool]:
    """Take the response off the front; what is left, and whether the connection ends here."""
    head, separator, rest = rest.partition(b"\r\n\r\n")
    assert separator or may_end, f"a cut head: {head!r}"
    status = int(head[9:12])
    assert head.startswith(b"HTTP/1.1 "), head
    assert status in response.statuses, f"{status} instead of {response}"
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if separator)
    closes = fields.get(b"connection") == b"close"
    assert closes or response.ends_silently or not response.is_last or not separator, f"stays open after {response}"
    assert not closes or response.is_last or response.may_be_last, f"closed after {response}"
    length = 0 if response.is_head and status == min(response.statuses) else int(fields.get(b"content-length", b"0"))
    body, rest = rest[:length], rest[length:]
    assert len(body) == length or may_end, f"a cut body of {response}"
    assert response.body is None or status >= 400 or body == response.body[: len(body)], f"{body[:80]!r} in {response}"
    return rest, closes or response.is_last or not separator or len(body) < length


async def _faults_of(seed: int, port: int, http: httpx.AsyncClient) -> list[str]:
    """Run one random client; what was wrong."""
    messages = {}
    for size in (10, 90_000):
        message = Random(seed).randbytes(8).hex() * (size // 16 + 1)
        answer = await http.post("/", json={"message": message})
        messages[str(answer.json()["id"])] = message
    client = random_client(seed, messages)
    try:
        judge(client, await converse(client, port))
    except (AssertionError, OSError, TimeoutError) as error:
        return [f"seed {seed}: {error!r} {client.data[:400]!r}"]
    return []


async def fuzz(port: int, seeds: Iterator[int]) -> list[str]:
    """Run a client for each seed, some of them at a time; what was wrong."""
    faults: list[str] = []

    async def work(http: httpx.AsyncClient) -> None:
        for seed in seeds:
            faults.extend(await _faults_of(seed, port, http))

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        await asyncio.gather(*(work(http) for _ in range(CONCURRENT)))
    return faults


def seeds(start: int, cases: int, seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    for seed in range(start, start + cases):
        if time.monotonic() > end:
            return
        yield seed


def check(event_loop: str, start: int, cases: int, seconds: float) -> None:
    """Let random clients loose on a server, and then look at what they have left behind."""
    with start_on(event_loop, "--store=memory:", "--rate-limit-per-second=0") as process:
        port = int(process.wait_for(r"listening on (http\S+)").rpartition(":")[2])
        exchange(port, GET)  # libuv opens a descriptor of its own with the first connection
        open_before = descriptors(process.pid)
        faults = asyncio.run(fuzz(port, seeds(start, cases, seconds)))
        assert not faults, "\n".join([f"{len(faults)} faults", *faults[:20]])
        deadline = time.monotonic() + 15  # seconds: more than any lingering
        while descriptors(process.pid) > open_before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert descriptors(process.pid) == open_before
        assert process.stop() == 0
        assert process.output.count("\n") == 1, process.output[:3_000]  # its address, and not a word more


@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
def test_random_clients_get_what_they_must(event_loop: str) -> None:
    check(event_loop, start=0, cases=200, seconds=60)


@pytest.mark.long
@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
def test_many_random_clients_get_what_they_must(event_loop: str) -> None:
    check(event_loop, start=int(time.time()), cases=1_000_000, seconds=300)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=1_000_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--loop", default="uvloop", choices=EVENT_LOOPS)
    arguments = parser.parse_args()
    check(arguments.loop, arguments.seed, arguments.cases, arguments.seconds)
