"""After a commit that failed, every answer is true: the file is asked what became of it, before anybody is told."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.sqlite.group_commit import CannotSettle, settle
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import System
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.outcomes import Created, Granted, IdTaken, Missing
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.sqlite_files import Engine, FailingCommits, copy_files, until
from tests.support.stores import Clock

DAY = 86_400  # seconds
FAILED_SYNC = sqlite3.OperationalError("disk I/O error")
FULL = sqlite3.OperationalError("database or disk is full")
FULL.sqlite_errorcode = sqlite3.SQLITE_FULL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


@pytest.fixture
def failing() -> FailingCommits:
    return FailingCommits()


@pytest.mark.parametrize("error", [FAILED_SYNC, MemoryError()], ids=repr)
def test_a_commit_that_failed_and_took_place_is_answered_as_what_it_did(
    path: Path, failing: FailingCommits, error: Exception
) -> None:
    engine = Engine(path, system=failing.system)
    engine.apply(("abc12", Create("secret", DAY)))
    failing.ways = [(True, error)]
    answers = engine.apply(("abc12", Read()), ("abc13", Create("another", DAY)), ("abc14", Read()))
    assert answers[0] == Granted("secret")
    assert isinstance(answers[1], Created)
    assert answers[2] == Missing()
    assert failing.ways == []
    assert engine.apply(("abc12", Read()), ("abc13", Read())) == [Missing(), Granted("another")]
    engine.close()


def test_a_commit_that_took_place_is_synced_before_it_is_answered(path: Path, failing: FailingCommits) -> None:
    """After a failed sync, the system may forget what it could not write, and SQLite may not get further."""
    log = path.with_name("messages.db-wal")
    synced: list[bytes] = []
    engine = Engine(path, system=replace(failing.system, sync=lambda _: synced.append(log.read_bytes())))
    engine.apply(("abc12", Create("secret", DAY)))
    synced.clear()
    failing.ways = [(True, FAILED_SYNC)]
    failing.carry_over_at_the_end = False
    assert engine.apply(("abc12", Read())) == [Granted("secret")]
    assert any(synced[0][:32])  # the syncs that overwrite the log with zeros come later
    failing.carry_over_at_the_end = True
    engine.close()


def test_a_commit_that_failed_and_did_not_take_place_is_answered_with_503(path: Path, failing: FailingCommits) -> None:
    engine = Engine(path, system=failing.system)
    engine.apply(("abc12", Create("secret", DAY)))
    failing.ways = [(False, FAILED_SYNC)]
    answers = engine.apply(("abc12", Read()), ("abc13", Create("another", DAY)))
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 2
    assert engine.apply(("abc12", Read()), ("abc13", Read())) == [Granted("secret"), Missing()]
    engine.close()


def test_a_disk_that_is_full_at_the_commit_refuses_new_messages_alone(path: Path, failing: FailingCommits) -> None:
    engine = Engine(path, system=failing.system)
    engine.apply(("abc12", Create("secret", DAY)))
    failing.ways = [(False, FULL)]
    read, created = engine.apply(("abc12", Read()), ("abc13", Create("another", DAY)))
    assert read == Granted("secret")
    assert isinstance(created, StorageUnavailable)
    engine.keep_house()
    assert isinstance(engine.apply(("abc13", Create("another", DAY)))[0], Created)
    engine.close()


def commands(rng: random.Random) -> Iterator[tuple[str, Command]]:
    for _ in range(rng.randint(1, 8)):
        message_id = rng.choice(["abc12", "abc13", "sealed"])
        proof = "proof" if message_id == "sealed" else None
        access = AccessHashes("proof", rng.choice([None, "passphrase"])) if proof else None
        possible: list[Command] = [
            Create(rng.choice("xyz") * 50, rng.choice([60, DAY]), access, rng.randint(1, 2), "request"),
            Read(proof, rng.choice([None, "passphrase", "wrong"]), rng.choice([None, "key"])),
            Read(proof),
            Acknowledge(proof, "key"),
            Destroy(proof),
            GetReceipt("proof"),
        ]
        yield message_id, rng.choice(possible)


async def test_what_is_answered_is_what_the_files_have_whatever_way_commits_fail(
    path: Path, tmp_path: Path, failing: FailingCommits
) -> None:
    """Beside the reference, which does only what was not answered with 503."""
    rng = random.Random(1)
    clock = Clock()
    reference = MemoryStore(clock)
    engine = Engine(path, clock=clock, system=failing.system)
    outcomes = {True: 0, False: 0}
    for number in range(120):
        group = list(commands(rng))
        failing.ways = [(rng.random() < 0.5, FAILED_SYNC)] if rng.random() < 0.6 else []
        answers = engine.apply(*group)
        happened = not any(isinstance(answer, StorageUnavailable) for answer in answers)
        outcomes[happened] += 1
        if happened:
            assert answers == [await reference.apply(*command) for command in group]
        else:
            assert {type(answer) for answer in answers} == {StorageUnavailable}
        failing.ways = []
        if number % 10 == 0:  # and so it is after a power cut
            copy = Engine(copy_files(path, tmp_path / f"copy{number}"), clock=clock)
            assert copy.database.execute("SELECT id, due_at, record FROM messages") == engine.database.execute(
                "SELECT id, due_at, record FROM messages"
            )
            copy.close()
        clock.now += rng.choice([0, 1, 61])
    assert min(outcomes.values()) > 10
    engine.close()


@pytest.mark.parametrize("fails", [True, False])
async def test_nobody_is_answered_before_the_file_can_be_asked(
    path: Path, failing: FailingCommits, *, fails: bool
) -> None:
    """The file leaves its place with the commit, which fails or not."""
    store = SqliteStore(path, system=failing.system)
    await store.apply("abc12", Create("secret", DAY))
    elsewhere = path.with_name("elsewhere.db")
    took_place = asyncio.Event()
    loop = asyncio.get_running_loop()

    def commit(commit: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        cursor = commit()
        if not elsewhere.exists() and not took_place.is_set():
            path.rename(elsewhere)
            loop.call_soon_threadsafe(took_place.set)
            if fails:
                raise FAILED_SYNC
        return cursor

    failing.commit = commit  # type: ignore[method-assign]
    reader = asyncio.ensure_future(store.apply("abc12", Read()))
    await took_place.wait()
    await asyncio.sleep(0.3)
    assert not reader.done()
    elsewhere.rename(path)
    assert await reader == Granted("secret")
    assert await store.apply("abc12", Read()) == Missing()
    store.close()


async def test_the_process_ends_if_it_cannot_be_found_out(
    path: Path, failing: FailingCommits, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[bool] = []
    slept: list[float] = []
    is_broken = False

    def connect(path: Path) -> sqlite3.Connection:
        if is_broken:
            raise OSError(5, "Input/output error")
        return failing.system.connect(path)

    system = System(
        monotonic=lambda: time.monotonic() + sum(slept),
        sleep=slept.append,
        connect=connect,
        exit=lambda: ended.append(True),
    )
    store = SqliteStore(path, system=system)
    await store.apply("abc12", Create("secret", DAY))
    is_broken = True
    failing.ways = [(True, FAILED_SYNC)]
    reader = asyncio.ensure_future(store.apply("abc12", Read()))
    await until(lambda: bool(ended))
    await asyncio.sleep(0.05)
    assert not reader.done()
    reader.cancel()
    assert [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"] == [
        "the store cannot go on, and the process ends: Input/output error"
    ]


def test_a_row_that_is_neither_old_nor_new_settles_nothing(path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)), ("abc13", Create("another", DAY)))
    batch = engine.database.records.load(["abc12", "abc13"], with_content=set())
    for message_id in ("abc12", "abc13"):
        batch.get(message_id)
        batch.keep(message_id, None)
    with engine.database.transaction():
        changes = engine.database.records.write(batch)
    assert settle(engine.database, changes)
    engine.apply(("abc12", Create("third", DAY)))
    with pytest.raises(CannotSettle):
        settle(engine.database, changes)
    engine.close()


def test_a_commit_that_failed_while_nothing_changed_is_no_503_for_those_who_read_nothing(
    path: Path, failing: FailingCommits
) -> None:
    engine = Engine(path, system=failing.system)
    engine.apply(("abc12", Create("secret", DAY)))
    failing.ways = [(False, FAILED_SYNC)]
    assert engine.apply(("abc12", Create("x", DAY)), ("abc13", Read())) == [IdTaken(), Missing()]
    engine.close()
