"""Pairs of a create and a read a second, of the store alone: SQLite, and Valkey with and without its fence.

    .venv/bin/python -m bench.valkey_store [--tasks 32] [--seconds 4]

The engines are a primary and a replica on this machine, both with an append-only file that is synced at once. They
share its cores with the store, so what counts is how the figures of one run compare.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import uvloop

from crypt_api.server.stores import ServerStore
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.valkey import primary
from crypt_api.server.stores.valkey.group_commit import GroupCommit
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Create, Read
from crypt_core.outcomes import Created, Granted
from tests.support.valkey import Engine
from tests.support.valkey_topologies import Pair

CREATE = Create("correct horse battery staple", 86_400)


async def measure(store: ServerStore, tasks: int, seconds: float) -> tuple[float, float]:
    """Pairs a second, and the median time of one in milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def work(task: int) -> None:
        number = 0
        while (began := time.perf_counter()) < end:
            number += 1
            message_id = f"{task}x{number}"
            assert isinstance(await store.apply(message_id, CREATE), Created)
            assert isinstance(await store.apply(message_id, Read()), Granted)
            times.append(time.perf_counter() - began)

    await store.apply("connect", Read())
    await asyncio.gather(*(work(task) for task in range(tasks)))
    store.close()
    return len(times) / seconds, statistics.median(times) * 1_000


class OneFenceEach(GroupCommit):
    """Sends one entry at a time, with a fence of its own."""

    def _next_group(self) -> list[object]:  # type: ignore[override]
        waiting, self._waiting = self._waiting, type(self._waiting)()
        first = list(waiting)[:1]
        self._waiting.extend(list(waiting)[1:])
        return list(first)


@contextmanager
def one_fence_each() -> Iterator[None]:
    """Only writes have a fence; what is read goes in groups as ever."""

    def pipeline(*arguments: object) -> GroupCommit:
        kind = OneFenceEach if len(arguments) > 3 else GroupCommit  # noqa: PLR2004
        return kind(*arguments)  # type: ignore[arg-type]

    with patch.object(primary, "GroupCommit", pipeline):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()

    def run(name: str, store: ServerStore) -> float:
        rate, median = uvloop.run(measure(store, arguments.tasks, arguments.seconds))
        print(f"{name:44} {rate:8,.0f} pairs/s  median {median:7.2f} ms", flush=True)
        return rate

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # not in a tmpfs, where a sync costs nothing
        folder = Path(name)
        run("sqlite", SqliteStore(folder / "messages.db"))
        with Engine(folder / "alone") as engine:
            with engine.client as client:
                client.config_set("appendonly", "no")
            run("valkey, no fence (no file, no replica)", ValkeyStore(parse_url(engine.url)))
            with engine.client as client:
                client.config_set("appendonly", "yes")
            run("valkey, fence: disk", ValkeyStore(parse_url(engine.url)))
        with Pair(folder / "pair") as pair:
            url = parse_url(f"{pair.primary.url}?replicas=1")
            grouped = run("valkey, fence: a replica and both disks", ValkeyStore(url))
            with one_fence_each():
                alone = run("the same, with one fence each", ValkeyStore(url))
        print(f"group commit is {grouped / alone:.1f} times one fence each")


if __name__ == "__main__":
    main()
