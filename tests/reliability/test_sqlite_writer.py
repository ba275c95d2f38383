"""Whose turn the file is: no command waits for ever, none is taken for nobody, and none is answered falsely."""

import asyncio
import logging
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.group_commit import GroupCommit, QueuedCommand
from crypt_api.server.stores.sqlite.housekeeping import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS, Housekeeping
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_api.server.stores.sqlite.writer import MAX_GROUP
from crypt_core.commands import Create, Read
from crypt_core.outcomes import Created, Granted, Missing
from crypt_core.store import StorageUnavailable
from tests.support.simulated_sqlite import World
from tests.support.sqlite_files import Caller, Engine

DAY = 86_400  # seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


@pytest.fixture
def another_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs only when a test lets it."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def ask(store: SqliteStore, message_id: str, loop: asyncio.AbstractEventLoop) -> None:
    """Have a caller on `loop` ask for the message, and the loop stop before it gets an answer."""
    reader = loop.create_task(store.apply(message_id, Read()))
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert not reader.done()
    reader._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - that is the test


async def test_a_read_that_nobody_waits_for_any_more_takes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    go_on.set()
    commit = Database.commit

    def slow_commit(file: Database) -> None:
        go_on.wait()
        commit(file)

    monkeypatch.setattr(Database, "commit", slow_commit)
    store = SqliteStore(path)
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


def test_housekeeping_that_has_much_to_do_lets_commands_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_over: Counter[QueuedCommand] = Counter()

    def step(housekeeping: Housekeeping) -> None:
        passed_over.update(world.waiting())
        world.turns.now += 0.001
        housekeeping.due_at = 0.0  # there is always more to do at once

    monkeypatch.setattr(Housekeeping, "step", step)
    for seed in range(5):
        world = World(random.Random(seed), tmp_path / str(seed))
        world.pauses = (0.0,)
        world.live([(f"abc{number}", Create("x", DAY)) for number in range(20)])
    assert passed_over
    assert max(passed_over.values()) <= 2


@pytest.mark.parametrize(
    ("look_seconds", "pause"), [(0.001, MIN_PAUSE_SECONDS), (0.005, 1.0), (0.02, 4.0), (0.1, MAX_PAUSE_SECONDS)]
)
def test_looks_take_a_small_share_of_the_time_however_slow_the_disk_is(
    path: Path, look_seconds: float, pause: float
) -> None:
    now = 0.0

    def sync(_: int) -> None:
        nonlocal now
        now += look_seconds / 2  # there are two for each look

    engine = Engine(path, system=System(monotonic=lambda: now, sync=sync))
    engine.apply(("abc12", Create("secret", DAY)))
    engine.apply(("abc12", Read()))
    engine.keep_house()
    assert engine.housekeeping.pause == pytest.approx(pause)
    engine.close()


def test_the_event_loop_does_not_wait_for_the_file_to_grow(path: Path) -> None:
    grown: list[object] = []

    def allocate(*sizes: int) -> None:
        grown.append(sizes)
        REAL.allocate(*sizes)

    engine = Engine(path, system=System(allocate=allocate))
    caller: Any = Caller()
    group = [QueuedCommand(f"abc{number}", Create("x" * 100_000, DAY), caller) for number in range(30)]
    grown.clear()
    assert engine.commits.decide(group) is None
    assert not grown
    assert all(isinstance(answer, Created) for answer in engine.commits.apply(group))
    assert grown
    engine.close()


def test_a_file_that_grows_has_its_room_before_the_next_group(path: Path) -> None:
    engine = Engine(path)
    caller: Any = Caller()
    undecided = 0
    for group in range(100):
        tasks = [QueuedCommand(f"abc{group}x{number}", Create("x" * 50_000, DAY), caller) for number in range(3)]
        decided = engine.commits.decide(tasks)
        undecided += decided is None
        assert all(isinstance(answer, Created) for answer in engine.commits.apply(tasks, decided))
        engine.housekeeping.prepare_next_group()
    assert undecided <= 2  # the first ones
    engine.close()


async def test_what_arrives_over_several_turns_shares_a_commit_and_waits_for_no_more_than_a_full_group(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = GroupCommit.decide
    sizes: list[int] = []
    submitted: list[int] = []
    arrived = 0

    def count(commits: GroupCommit, group: list[QueuedCommand]) -> object:
        sizes.append(len(group))
        submitted.append(arrived)
        return decide(commits, group)

    async def arrive(number: int) -> None:
        nonlocal arrived
        for _ in range(number // 2):  # two in each turn
            await asyncio.sleep(0)
        arrived += 1
        assert isinstance(await store.apply(f"abc{number:05}", Create("x", DAY)), Created)

    store = SqliteStore(path)
    await store.apply("first", Create("x", DAY))  # now the file is nobody's
    monkeypatch.setattr(GroupCommit, "decide", count)
    await asyncio.gather(*map(arrive, range(6)))
    assert sizes == [6]
    sizes.clear()
    submitted.clear()
    arrived = 0
    await asyncio.gather(*map(arrive, range(10, 10 + 2 * MAX_GROUP)))
    assert sizes[0] == submitted[0] == MAX_GROUP  # the others kept coming
    store.close()


async def test_a_message_that_cannot_be_written_concerns_its_sender_alone(path: Path) -> None:
    store = SqliteStore(path)
    bad, good = await asyncio.gather(
        store.apply("abc12", Create("\ud800", DAY)), store.apply("abc13", Create("x", DAY)), return_exceptions=True
    )
    assert isinstance(bad, UnicodeEncodeError)
    assert isinstance(good, Created)
    assert await store.apply("abc13", Read()) == Granted("x")
    store.close()


async def test_a_fault_of_the_event_loop_takes_the_file_from_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path)
    decide = GroupCommit.decide
    faults = [MemoryError()]

    def fail_once(commits: GroupCommit, group: list[QueuedCommand]) -> object:
        if faults:
            decide(commits, group)  # the transaction is open
            raise faults.pop()
        return decide(commits, group)

    monkeypatch.setattr(GroupCommit, "decide", fail_once)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    assert isinstance(await asyncio.wait_for(store.apply("abc12", Create("x", DAY)), 20), Created)
    assert await store.apply("abc12", Read()) == Granted("x")
    store.close()


async def test_an_event_loop_that_has_stopped_holds_nobody_up(
    path: Path, another_loop: asyncio.AbstractEventLoop
) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create("x", DAY))
    store._writer._file_lock.acquire()  # noqa: SLF001 - as if a commit took long
    await asyncio.to_thread(ask, store, "abc12", another_loop)
    creation = asyncio.ensure_future(store.apply("abc13", Create("y", DAY)))
    await asyncio.sleep(0)
    store._writer._give_file_away()  # noqa: SLF001
    assert isinstance(await asyncio.wait_for(creation, 20), Created)
    store.close()


async def test_a_reader_whose_event_loop_is_closed_takes_nothing(path: Path) -> None:
    loop = asyncio.new_event_loop()
    store = SqliteStore(path)
    await store.apply("abc12", Create("x", DAY))
    store._writer._file_lock.acquire()  # noqa: SLF001 - as if a commit took long
    await asyncio.to_thread(ask, store, "abc12", loop)
    loop.close()
    store._writer._file_lock.release()  # noqa: SLF001
    assert await store.apply("abc12", Read()) == Granted("x")
    store.close()


async def test_what_is_asked_of_a_closed_store_is_refused(path: Path) -> None:
    store = SqliteStore(path)
    store.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await asyncio.wait_for(store.apply("abc12", Read()), 20)


def test_a_group_that_everybody_has_left_is_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(path)
    monkeypatch.setattr(Database, "begin", lambda _: 1 / 0)
    assert engine.apply() == []
    engine.close()


async def test_who_leaves_while_a_group_is_decided_again_has_taken_nothing(path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("x", DAY)))
    answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    task = QueuedCommand("abc12", Read(), answer)  # type: ignore[arg-type]
    answer.cancel()
    engine.commits.apply([task])
    assert engine.apply(("abc12", Read())) == [Granted("x")]
    assert engine.apply(("abc12", Read())) == [Missing()]
    engine.close()


def test_the_process_ends_even_if_the_log_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError(str(record))

    ended = threading.Event()
    logger = logging.getLogger("crypt_api.server.stores.sqlite.writer")
    handler = Broken()
    logger.addHandler(handler)
    monkeypatch.setattr(Housekeeping, "step", lambda _: 1 / 0)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    store = SqliteStore(path, system=System(exit=ended.set))
    assert ended.wait(20)
    store._thread.join()  # noqa: SLF001 - a process would have ended
    logger.removeHandler(handler)
