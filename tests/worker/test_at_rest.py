"""What the store `kv` leaves at rest: everything that KV and the objects keep of many messages, half of them read."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import platforms
from tests.support.platforms import Connection, Platform

TEXT = "unmistakable"
KEY = re.compile(r'"content": "([\w-]{43})"')


async def on_connections(worker: Platform, work: Callable[[Connection, int], Awaitable[None]], count: int) -> None:
    """Do `work` for each of `count` numbers, on eight connections."""
    connections = [await worker.connect() for _ in range(8)]

    async def share(connection: Connection, first: int) -> None:
        for number in range(first, count, len(connections)):
            await work(connection, number)

    await asyncio.gather(*(share(connection, first) for first, connection in enumerate(connections)))
    for connection in connections:
        connection.close()


def keys(folder: Path) -> set[str]:
    """The keys of payloads in the tables of all objects."""
    found = set()
    for path in folder.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchall():
                found |= {KEY.findall(record)[0] for [record] in database.execute("SELECT record FROM messages")}
    return found


def contents(folder: Path) -> Iterator[bytes]:
    """The contents of all files, with what is free in them, and with the databases' logs."""
    yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("count", [200, pytest.param(1_000, marks=pytest.mark.long)])
async def test_no_text_is_kept_and_no_key_of_what_was_read(tmp_path: Path, count: int) -> None:
    ids: list[str] = []

    async def create(connection: Connection, _: int) -> None:
        ids.append((await connection.ask("POST", "/", {"message": TEXT}))[1]["id"])

    async def read(connection: Connection, number: int) -> None:
        assert await connection.ask("GET", "/" + ids[number]) == (200, {"message": TEXT})

    with platforms.worker("--persist", str(tmp_path)) as worker:
        await on_connections(worker, create, count)
        created = keys(tmp_path)
        await on_connections(worker, read, count // 2)
    assert len(created) == count
    assert len(keys(tmp_path)) == count // 2  # nowhere but in the platform's own history of the objects
    everything = b"".join(contents(tmp_path))
    assert TEXT.encode() not in everything
    assert b'"content": ' in everything
