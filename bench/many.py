"""A server whose file has many messages: its start, its memory, its speed, and the time in which all of them are swept.

    .venv/bin/python -m bench.many [--messages 1000000]

The same requests go to a server with an empty file in the same run.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.load import Scenario, run
from bench.services import Service
from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.group_commit import GroupCommit, QueuedCommand
from crypt_core.commands import Command, Create
from tests.support.platforms import start_server
from tests.support.processes import memory

GROUP = 2_000
CONTENT = "x" * 100
DAY = 86_400  # seconds

SWEPT_A_SECOND = 20_000
"""Messages that a server sweeps, about: so long is the load that it is swept under."""


class State(NamedTuple):
    """A server under load: seconds until it listens, bytes of memory, and what its clients saw."""

    start: float
    memory: int
    rate: float
    p99: float
    slowest: float


def fill(path: Path, messages: int, ttl: int) -> None:
    """Create messages, without HTTP."""
    file = Database(path)
    commits = GroupCommit(file, time.time, lambda _: None)
    loop = asyncio.new_event_loop()
    command: Command = Create(CONTENT, ttl)
    for first in range(0, messages, GROUP):
        group = [
            QueuedCommand(f"m{number:09}", command, loop.create_future()) for number in range(first, first + GROUP)
        ]
        commits.apply(group)
        if file.is_log_long:
            file.carry_over()
    loop.close()
    file.close()


def observe(path: Path, seconds: float, connections: int = 32) -> State:
    """Start a server on the file, and put it under load."""
    began = time.perf_counter()
    with start_server("--rate-limit-per-second=0", f"--store=sqlite:///{path}", "--max-storage=0") as process:
        url = process.url
        started = time.perf_counter() - began
        service = Service("", url, [process.pid])
        result = run(service, Scenario("pair"), connections, seconds)
        return State(started, memory(process.pid), result.rate, result.p99, result.slowest)


def _line(name: str, state: State) -> str:
    return (
        f"{name:7} start {state.start:.2f} s, {state.memory / 1e6:.0f} MB, {state.rate:,.0f} requests a second, "
        f"p99 {state.p99:.1f} ms, slowest {state.slowest:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder) / "empty.db", Path(folder) / "full.db"
        fill(full, options.messages, DAY)
        for name, path in (("empty", empty), ("full", full)):
            print(_line(name, observe(path, options.seconds)))
        due = Path(folder) / "due.db"
        fill(due, options.messages, ttl=-1)
        print(_line("sweeps", observe(due, options.messages / SWEPT_A_SECOND, connections=1)))


if __name__ == "__main__":
    main()
