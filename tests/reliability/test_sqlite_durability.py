"""The SQLite file: durable, owned by one process, and left alone if it is not ours."""

import asyncio
import os
import random
import sqlite3
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite import records
from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.commands import Command, Create, Read
from crypt_core.outcomes import Created, Granted, Missing
from crypt_core.store import StorageUnavailable
from tests.support.sqlite_files import Engine, Observer, copy_files
from tests.support.stores import Clock

DAY = 86_400  # seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


async def test_a_message_outlives_the_process(path: Path) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    store.close()
    store = SqliteStore(path)
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


def test_a_commit_returns_when_it_is_on_the_disk(path: Path) -> None:
    """No test can cut the power; these are the settings that SQLite's documentation asks for."""
    file = Database(path)
    assert file.execute("PRAGMA journal_mode") == [("wal",)]
    assert file.execute("PRAGMA synchronous") == [(2,)]  # FULL
    assert file.execute("PRAGMA fullfsync") == [(1,)]
    assert file.execute("PRAGMA locking_mode") == [("exclusive",)]
    file.close()


def test_whenever_the_power_is_cut_the_files_have_what_was_answered(path: Path, tmp_path: Path) -> None:
    """The files are copied between any two steps, and in the middle of overwriting the log."""
    rng = random.Random(1)
    alive: dict[str, str] = {}
    copies = 0
    is_watched = False

    def check() -> None:
        nonlocal copies
        copies += 1
        file = Database(copy_files(path, tmp_path / f"copy{copies}"))
        assert file.execute("PRAGMA integrity_check") == [("ok",)]
        assert {message_id for (message_id,) in file.execute("SELECT id FROM messages")} == set(alive)
        batch = file.records.load(alive, with_content=set(alive))
        assert {message_id: getattr(batch.get(message_id), "content", None) for message_id in alive} == alive
        file.close()

    def check_after(descriptor: int) -> None:
        REAL.sync(descriptor)
        if is_watched:
            check()

    def check_half_way(descriptor: int, start: int, end: int) -> None:
        """Bytes that were not synced reach the disk in any order."""
        REAL.write_zeros(descriptor, (start + end) // 2, end)
        if is_watched:
            check()
        REAL.write_zeros(descriptor, start, end)

    engine = Engine(path, system=System(sync=check_after, write_zeros=check_half_way))
    for round_number in range(25):
        contents = {f"{round_number}x{n}": "x" * rng.choice([10, 1_000, 60_000]) for n in range(20)}
        answers = engine.apply(*((message_id, Create(content, DAY)) for message_id, content in contents.items()))
        assert all(isinstance(answer, Created) for answer in answers)
        alive |= contents
        gone = rng.sample(sorted(alive), 18)
        assert engine.apply(*((message_id, Read()) for message_id in gone)) == [Granted(alive.pop(i)) for i in gone]
        check()
        if rng.random() < 0.5:
            is_watched = True
            engine.keep_house()
            is_watched = False
            check()
    engine.close()
    assert copies > 50


async def test_a_file_has_one_process(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StorageUnavailable, match="in use by another process"):
        SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    store.close()
    store = SqliteStore(path)
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


async def test_only_its_owner_can_read_the_files(path: Path) -> None:
    old = os.umask(0)
    try:
        store = SqliteStore(path)
        await store.apply("abc12", Create("secret", DAY))
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        store.close()
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(old)


@pytest.mark.parametrize("version", [records.VERSION - 1, records.VERSION + 1])
def test_a_file_of_another_version_is_refused_and_left_alone(path: Path, version: int) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(
        StorageUnavailable, match=f"its schema has version {version}, this crypt-api knows {records.VERSION}"
    ):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StorageUnavailable, match="another program's database"):
        SqliteStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["text file", "folder", "missing folder"])
def test_what_cannot_be_opened_is_named(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "text file":
        path.write_text("no database " * 100)
    elif what == "folder":
        path.mkdir()
    else:
        path = path / "messages.db"
    with pytest.raises(StorageUnavailable, match=f"cannot open {path}: .+"):
        SqliteStore(path)


async def test_a_bug_in_a_command_harms_nobody_else(path: Path) -> None:
    store = SqliteStore(path)
    bad = Create("x", "not a number")  # type: ignore[arg-type]
    outcomes = await asyncio.gather(
        store.apply("abc12", bad), store.apply("abc13", Create("secret", DAY)), return_exceptions=True
    )
    assert isinstance(outcomes[0], TypeError)
    assert isinstance(outcomes[1], Created)
    assert await store.apply("abc13", Read()) == Granted("secret")
    store.close()


async def test_requests_are_answered_while_thousands_expire(path: Path) -> None:
    clock = Clock()
    observer = Observer()
    store = SqliteStore(path, clock=clock, observer=observer)
    await asyncio.gather(*(store.apply(f"a{n}", Create("x" * 1_000, 60)) for n in range(5_000)))
    clock.now += 60
    answered_meanwhile = number = 0
    while observer.expired_count < 5_000:
        assert isinstance(await store.apply(f"b{number}", Create("x", DAY)), Created)
        answered_meanwhile += 0 < observer.expired_count < 5_000
        number += 1
    assert answered_meanwhile > 10
    store.close()


async def test_many_commands_on_one_id_in_one_group_are_decided_one_after_the_other(path: Path) -> None:
    store = SqliteStore(path)
    commands: list[Command] = [Create("first", DAY), Read(), Read(), Create("second", DAY), Read()]
    outcomes = await asyncio.gather(*(store.apply("abc12", command) for command in commands))
    assert outcomes[1:3] == [Granted("first"), Missing()]
    assert outcomes[4] == Granted("second")
    assert await store.apply("abc12", Read()) == Missing()
    store.close()
