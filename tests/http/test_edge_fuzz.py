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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from tests.support.edge import EVENT_LOOPS, start_on
from tests.support.edge_clients import RandomClient, random_client
from tests.support.edge_model import Expected, expected
from tests.support.processes import descriptors
from tests.support.sockets import GET, exchange

CONCURRENT = 32


async def converse(client: RandomClient, port: int) -> bytes:
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


def judge(client: RandomClient, received: bytes) -> None:
    """Raise AssertionError unless the bytes are what must come back."""
    rest = received
    may_end = client.leaves_after is not None
    for response in expected(client.data, client.messages):
        while rest.startswith(b"HTTP/1.1 100 "):
            rest = rest.partition(b"\r\n\r\n")[2]
        if not rest:
            assert may_end, f"nothing instead of {response}"
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
        message = random.Random(seed).randbytes(8).hex() * (size // 16 + 1)
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


def test_random_clients_get_what_they_must() -> None:
    """On both event loops at once: a server's last connections linger for seconds."""
    with ThreadPoolExecutor(len(EVENT_LOOPS)) as threads:
        list(threads.map(lambda event_loop: check(event_loop, start=0, cases=200, seconds=60), EVENT_LOOPS))


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
