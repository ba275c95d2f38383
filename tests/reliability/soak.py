"""Ordinary users beside every abuse at once: `python -m tests.reliability.soak --minutes 30`.

First the users alone, then the users and the abuses. The users must see no error, their 99th percentile must stay
within 3 times that of the quiet server, and the server's memory must stay flat. Everything is on loopback, in a
bounded time.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.platforms import start_server
from tests.support.processes import descriptors, memory_now
from tests.support.sockets import GET, HOST, connect, exchange, reset

USERS = 8
PAUSE = 0.05
"""Seconds between two requests of a user: the machine's other core is the abusers'."""

QUIET_SHARE = 0.2
"""Of the time, for the quiet server."""

POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def flood(start: bytes, part: bytes) -> Callable[[int], None]:
    def run(port: int) -> None:
        with connect(port) as connection:
            connection.settimeout(1)
            connection.sendall(start)
            block = part * (16_384 // len(part) + 1)
            for _ in range(64):
                connection.sendall(block)

    return run


def hold_many(port: int) -> None:
    """Open connections, send half a head on each, and leave them."""
    connections = [connect(port) for _ in range(100)]
    for connection in connections:
        connection.sendall(b"GET / HT")
    time.sleep(2)
    for connection in connections:
        connection.close()


def drip(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(POST + b"Content-Length: 90000\r\n\r\n")
        for _ in range(50):
            connection.sendall(b" ")
            time.sleep(0.1)


def never_read(port: int) -> None:
    """Ask for more than the kernel buffers, and read nothing of it."""
    with connect(port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(1)
        with suppress(OSError):
            connection.sendall((b"GET /-/openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 500)
        time.sleep(3)


def leave(port: int) -> None:
    for _ in range(20):
        connection = connect(port)
        connection.sendall(b"GET /abc12 HTTP/1.1\r\n" + HOST + b"\r\n")
        reset(connection)


def half_close(port: int) -> None:
    for _ in range(20):
        exchange(port, GET)


def costly_headers(port: int) -> None:
    for field_ in (b"Cookie: " + b"\\" * 30_000, b"Accept: " + b"," * 30_000):
        exchange(port, b"POST /abc12/reveal HTTP/1.1\r\n" + HOST + field_ + b"\r\n\r\n")


def full_messages(port: int) -> None:
    body = json.dumps({"message": "x" * 102_400}).encode()
    for _ in range(4):
        exchange(port, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)


ABUSES: dict[str, Callable[[int], None]] = {
    "endless trailers": flood(CHUNKED + b"0\r\n", b"A: " + b"b" * 100 + b"\r\n"),
    "endless headers": flood(b"GET / HTTP/1.1\r\n" + HOST, b"A: " + b"b" * 100 + b"\r\n"),
    "chunks of one byte": flood(CHUNKED, b"1\r\nx\r\n"),
    "pipelined requests": flood(b"", GET),
    "garbage": flood(b"", bytes(range(256))),
    "held connections": hold_many,
    "bodies byte by byte": drip,
    "clients that never read": never_read,
    "clients that leave": leave,
    "half-closed connections": half_close,
    "costly headers": costly_headers,
    "full messages": full_messages,
}


@dataclass
class Seen:
    """What the users saw in one part of the soak."""

    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        return sorted(self.milliseconds)[int(len(self.milliseconds) * share)]


def use(port: int, number: int, until: float, results: "multiprocessing.Queue[Seen]") -> None:
    """One ordinary user: creates a message, reads it, and finds it gone."""
    seen = Seen()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(f"127.0.1.{number + 1}", 0))

    def ask(method: str, path: str, body: str | None, expected: int) -> dict[str, str]:
        time.sleep(PAUSE * (0.5 + random.random()))
        started = time.perf_counter()
        connection.request(method, path, body)
        answer = connection.getresponse()
        fields: dict[str, str] = json.loads(answer.read())
        seen.milliseconds.append((time.perf_counter() - started) * 1_000)
        if answer.status != expected:
            seen.errors.append(f"{method}: {answer.status} {fields}")
        return fields

    while time.monotonic() < until:
        try:
            message = f"secret {number} {random.random()}"
            message_id = ask("POST", "/", json.dumps({"message": message}), 200)["id"]
            if ask("GET", f"/{message_id}", None, 200) != {"message": message}:
                seen.errors.append("another message")
            ask("GET", f"/{message_id}", None, 404)
        except (OSError, http.client.HTTPException, KeyError) as error:
            seen.errors.append(repr(error))
            connection.close()
    results.put(seen)


def abuse(port: int, names: list[str], until: float) -> None:
    """Commit some abuses in turn."""
    os.nice(19)  # the abusers' machines are others
    while time.monotonic() < until:
        for name in names:
            with suppress(OSError):
                ABUSES[name](port)
            time.sleep(0.1)


def run_part(port: int, seconds: float, abusers: int) -> Seen:
    """Let the users work for so long, beside so many processes of abusers."""
    until = time.monotonic() + seconds
    results: multiprocessing.Queue[Seen] = multiprocessing.Queue()
    names = list(ABUSES)
    processes = [multiprocessing.Process(target=use, args=(port, n, until, results)) for n in range(USERS)]
    processes += [multiprocessing.Process(target=abuse, args=(port, names[n::abusers], until)) for n in range(abusers)]
    for process in processes:
        process.start()
    seen = Seen()
    for _ in range(USERS):
        one = results.get()
        seen.milliseconds += one.milliseconds
        seen.errors += one.errors
    for process in processes:
        process.join()
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        flags = [f"--store=sqlite:///{folder}/messages.db", "--idle-timeout=2"]
        with start_server(
            *flags, "--rate-limit-per-second=100", "--misses-per-hour=0", "--max-connections=300"
        ) as process:
            port = process.port
            quiet = run_part(port, seconds * QUIET_SHARE, 0)
            warm = run_part(port, seconds * (1 - QUIET_SHARE) / 4, len(ABUSES))
            memory_warm = memory_now(process.pid)
            abused = run_part(port, seconds * (1 - QUIET_SHARE) * 3 / 4, len(ABUSES))
            memory_end, open_files = memory_now(process.pid), descriptors(process.pid)
    ratio = abused.percentile(0.99) / quiet.percentile(0.99)
    errors = quiet.errors + warm.errors + abused.errors
    for name, seen in (("quiet", quiet), ("abused", abused)):
        p50, p99, worst = seen.percentile(0.5), seen.percentile(0.99), max(seen.milliseconds)
        print(f"{name:8} {len(seen.milliseconds):8,} requests  p50 {p50:6.1f}  p99 {p99:6.1f}  max {worst:6.1f} ms")
    print(f"p99 abused to quiet {ratio:.2f}; errors {len(errors)} {errors[:3]}")
    print(f"memory {memory_warm / 1e6:.0f} MB, at the end {memory_end / 1e6:.0f} MB; open files {open_files}")
    sys.exit(bool(errors) or ratio > 3 or memory_end > memory_warm * 1.2)


if __name__ == "__main__":
    main()
