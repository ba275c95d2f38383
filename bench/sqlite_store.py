"""Commands a second of the SQLite store alone, without HTTP: what a change to the store costs.

    .venv/bin/python bench/sqlite_store.py [--tasks 64] [--seconds 3] [--sizes 28 1000 20000]

Every rate is also given as a multiple of the rate at which this disk syncs 4 KiB, measured in the same run:
so that figures of two runs, or of two machines, can be compared.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_core.commands import Create, Read

DAY = 86_400
"""Seconds."""


def syncs_a_second(folder: str, seconds: float = 1.0) -> float:
    """How often this disk takes 4 KiB and says that they are safe."""
    file = os.open(Path(folder) / "probe", os.O_CREAT | os.O_RDWR, 0o600)
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        os.pwrite(file, bytes(4096), 0)
        os.fsync(file)
        count += 1
    os.close(file)
    return count / seconds


async def run(store: SqliteStore, tasks: int, seconds: float, size: int, *, read: bool) -> float:
    """Commands a second of `tasks` callers, each of whom has one command under way."""
    done, end = 0, time.perf_counter() + seconds

    async def work(task: int) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() < end:
            message_id = f"{size}{read:d}{task}x{number}"
            await store.apply(message_id, Create("x" * size, DAY))
            if read:
                await store.apply(message_id, Read())
            number += 1
            done += 1 + read

    await asyncio.gather(*(work(task) for task in range(tasks)))
    return done / seconds


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[28, 1_000, 20_000], help="bytes of a message")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # not in a tmpfs, where a sync costs nothing
        syncs = syncs_a_second(folder)
        print(f"{'syncs of 4 KiB':24} {syncs:9,.0f} /s")
        store = SqliteStore(Path(folder) / "bench.db")
        for size in arguments.sizes:
            for read in (False, True):
                rate = await run(store, arguments.tasks, arguments.seconds, size, read=read)
                name = f"{'create and read' if read else 'create'}, {size:,} B"
                print(f"{name:24} {rate:9,.0f} /s  {rate / syncs:6.2f} a sync")
        store.close()


if __name__ == "__main__":
    asyncio.run(main())
