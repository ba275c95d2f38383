"""Requests a second over HTTP, durable, beside a constant answer of the same server in the same run.

    .venv/bin/python bench/server.py [--connections 32] [--seconds 5] [--store URL]

The load comes from this process: two cores are the least that say anything.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import uvloop

CREATE_BODY = json.dumps({"message": "correct horse battery staple"}).encode()
CREATE = b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%s" % (len(CREATE_BODY), CREATE_BODY)
CONSTANT = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by class

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length and self._answer is not None:
            self._received = b""
            assert head.startswith(b"HTTP/1.1 200"), head
            self._answer.set_result(body)

    async def ask(self, request: bytes) -> bytes:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def constant(connection: Connection) -> None:
    await connection.ask(CONSTANT)


async def create(connection: Connection) -> None:
    await connection.ask(CREATE)


async def create_and_read(connection: Connection) -> None:
    message_id = json.loads(await connection.ask(CREATE))["id"]
    await connection.ask(b"GET /%s HTTP/1.1\r\nHost: bench\r\n\r\n" % message_id.encode())


Scenario = Callable[[Connection], Awaitable[None]]

REQUESTS: dict[Scenario, int] = {constant: 1, create: 1, create_and_read: 2}
"""Of one round."""


async def measure(scenario: Scenario, port: int, connections: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and the median time of one round in milliseconds."""
    rounds: list[float] = []
    end = time.perf_counter() + seconds

    async def work() -> None:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        while (started := time.perf_counter()) < end:
            await scenario(connection)
            rounds.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(connections)))
    return len(rounds) * REQUESTS[scenario] / seconds, statistics.median(rounds) * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--store")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # not in a tmpfs, where a sync costs nothing
        store = arguments.store or f"sqlite:///{folder}/bench.db"
        command = [
            sys.executable,
            "-m",
            "crypt_api",
            "serve",
            "--port=0",
            "--rate-limit-per-second=0",
            "--store",
            store,
        ]
        server = subprocess.Popen([*command, "--id-length=8"], stderr=subprocess.PIPE, text=True)  # noqa: S603
        try:
            assert server.stderr is not None
            listening = next(line for line in server.stderr if line.startswith("listening on "))
            port = int(listening.rpartition(":")[2])
            base = 0.0
            for scenario in REQUESTS:
                rate, median = uvloop.run(measure(scenario, port, arguments.connections, arguments.seconds))
                base = base or rate
                name = getattr(scenario, "__name__", "")
                print(f"{name:16} {rate:9,.0f} requests/s  {rate / base:5.2f}  median {median:6.2f} ms")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
