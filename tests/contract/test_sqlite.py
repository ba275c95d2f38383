"""The SQLite file: durable, alone, without a trace of what was destroyed, and back after trouble."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.store import SWEEP_CHUNK, SqliteStore
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import LEASE_SECONDS, Create, Created, GetReceipt, Granted, Missing, Read, Receipt
from crypt_core.record import AccessHashes
from tests.support.stores import Clock

DAY = 86_400  # seconds
MARK = "unmistakable-"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def files_mention(path: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in path.parent.iterdir())


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for what a background thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


async def test_a_message_outlives_the_process(path: Path) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    store.close()
    store = SqliteStore(path)
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


def test_a_commit_returns_when_it_is_on_the_disk(path: Path) -> None:
    """No test can cut the power; these are the settings that SQLite's documentation asks for."""
    file = SqliteFile(path)
    assert file.execute("PRAGMA journal_mode") == [("wal",)]
    assert file.execute("PRAGMA synchronous") == [(2,)]  # FULL
    assert file.execute("PRAGMA fullfsync") == [(1,)]
    assert file.execute("PRAGMA locking_mode") == [("exclusive",)]
    file.close()


@pytest.mark.parametrize("size", [20, 5_000, 100_000])  # in a page, over a page, over many
async def test_what_was_read_is_gone_from_the_files_within_a_second(path: Path, size: int) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create(MARK + "x" * size + MARK, DAY))
    await store.apply("abc13", Create("another", DAY))
    assert files_mention(path, MARK)
    await store.apply("abc12", Read())
    await until(lambda: not files_mention(path, MARK), 1.0)
    assert await store.apply("abc13", Read()) == Granted("another")
    store.close()


async def test_what_expired_is_gone_from_the_files_without_being_asked_for(path: Path) -> None:
    clock = Clock()
    store = SqliteStore(path, clock=clock)
    count = 3 * SWEEP_CHUNK
    await asyncio.gather(*(store.apply(f"abc{n:03}", Create(f"{MARK}{n}", 60)) for n in range(count)))
    await store.apply("later", Create("another", 120))
    clock.now += 60
    await until(lambda: not files_mention(path, MARK), 2.0)
    assert await store.apply("later", Read()) == Granted("another")
    store.close()


async def test_what_a_nonce_held_is_gone_from_the_files_when_its_minute_is_over(path: Path) -> None:
    clock = Clock()
    store = SqliteStore(path, clock=clock)
    await store.apply("abc12", Create(MARK, DAY, AccessHashes("proof")))
    assert await store.apply("abc12", Read("proof", idempotency_hash="nonce")) == Granted(MARK)
    clock.now += LEASE_SECONDS - 1
    assert await store.apply("abc12", Read("proof", idempotency_hash="nonce")) == Granted(MARK)
    clock.now += 1
    await until(lambda: not files_mention(path, MARK), 2.0)
    report = await store.apply("abc12", GetReceipt("proof"))
    assert isinstance(report, Receipt)
    assert report.state == "read"
    store.close()


async def test_what_a_crash_left_in_the_log_is_erased_at_the_next_start(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create(MARK, DAY))
    await store.apply("abc12", Read())
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for file in (path, path.with_name("messages.db-wal")):
        (crashed / file.name).write_bytes(file.read_bytes())  # as they were when the power went
    store.close()
    if not files_mention(crashed / path.name, MARK):
        pytest.fail("the log was emptied before the test could copy it")
    store = SqliteStore(crashed / path.name)
    assert await store.apply("abc12", Read()) == Missing()
    await until(lambda: not files_mention(crashed / path.name, MARK), 2.0)
    store.close()


async def test_a_read_that_nobody_waits_for_any_more_takes_nothing(path: Path) -> None:
    go_on = threading.Event()
    go_on.set()

    def clock() -> float:  # asked by the writer for each group: so this leases the writer up
        go_on.wait()
        return 1_800_000_000.0

    store = SqliteStore(path, clock=clock)
    await store.apply("abc12", Create("secret", DAY))
    go_on.clear()
    blocking = asyncio.ensure_future(store.apply("abc13", Create("another", DAY)))
    await asyncio.sleep(0.05)
    reader = asyncio.ensure_future(store.apply("abc12", Read()))
    await asyncio.sleep(0.05)
    reader.cancel()
    await asyncio.wait([reader])
    go_on.set()
    assert isinstance(await blocking, Created)
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


async def test_a_file_has_one_process(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StorageUnavailable, match="in use by another process"):
        SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    store.close()
    store = SqliteStore(path)
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


def test_only_its_owner_can_read_the_file(path: Path) -> None:
    old = os.umask(0)
    try:
        SqliteStore(path).close()
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StorageUnavailable, match="its schema has version 2, this crypt-api knows 1"):
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


async def test_a_full_disk_refuses_and_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own limit of pages gives the error of a full disk, at the same place: `SQLITE_FULL`."""
    store = SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    opened = SqliteFile.__init__
    full = True

    def with_limit(self: SqliteFile, path: Path) -> None:
        opened(self, path)
        if full:
            self.execute("PRAGMA max_page_count = 8")

    monkeypatch.setattr(SqliteFile, "__init__", with_limit)
    store.close()
    store = SqliteStore(path)
    with pytest.raises(StorageUnavailable, match="full"):
        await store.apply("abc13", Create("x" * 100_000, DAY))
    # One that does not fit is not in the way of those that do.
    big, small = await asyncio.gather(
        store.apply("abc13", Create("x" * 100_000, DAY)),
        store.apply("abc14", Create("small", DAY)),
        return_exceptions=True,
    )
    assert isinstance(big, StorageUnavailable)
    assert isinstance(small, Created)
    full = False
    with pytest.raises(StorageUnavailable):
        await store.apply("abc13", Create("x" * 100_000, DAY))
    assert isinstance(await store.apply("abc13", Create("x" * 100_000, DAY)), Created)
    assert await store.apply("abc12", Read()) == Granted("secret")
    assert await store.apply("abc14", Read()) == Granted("small")
    store.close()


async def test_a_store_that_cannot_be_reopened_says_so_until_it_can(path: Path) -> None:
    store = SqliteStore(path)
    writer = store._writer  # noqa: SLF001
    await store.apply("abc12", Create("secret", DAY))
    writer._let_go()  # noqa: SLF001 - as after an error
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("PRAGMA locking_mode = EXCLUSIVE")
    thief.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="in use"):
        await store.apply("abc12", Read())
    thief.close()
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()


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
    store = SqliteStore(path, clock=clock)
    await asyncio.gather(*(store.apply(f"a{n}", Create("x" * 1_000, 60)) for n in range(5_000)))
    clock.now += 60
    answered_before = 0
    for number in range(200):
        assert isinstance(await store.apply(f"b{number}", Create("x", DAY)), Created)
        answered_before += files_mention(path, "x" * 1_000)
    assert answered_before > 0  # the sweep was still at work, and let them through
    store.close()
