"""The cap, a full disk, and room that is given back: only new messages are refused, and only while there is no room."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, groupby, pairwise
from pathlib import Path

import pytest

from crypt_api.server.stores.reporting import Usage
from crypt_api.server.stores.sqlite import files
from crypt_api.server.stores.sqlite.database import CARRY_OVER_PAGES
from crypt_api.server.stores.sqlite.storage_room import LOG_ALLOWANCE, MIN_STORAGE, RESERVE_BYTES
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_api.server.stores.sqlite.wal import log_path
from crypt_api.server.stores.sqlite.writer import MAX_GROUP
from crypt_core.commands import Answer, Create, Destroy, GetQuestion, Read
from crypt_core.http.message_fields import MAX_ENVELOPE_BYTES
from crypt_core.outcomes import Answered, Created, Destroyed, Granted, Missing, Question, Repeated
from crypt_core.record import AccessHashes
from crypt_core.setting_values import SettingsError, parse_size
from crypt_core.store import StorageUnavailable
from tests.support.sqlite_files import Engine
from tests.support.stores import Clock

DAY = 86_400  # seconds
MIB = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def size_of_files(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.iterdir())


class Disk:
    """A disk that can be full: no file can grow, as the operating system says it where the store takes room."""

    def __init__(self) -> None:
        self.is_full = False
        self.system = System(allocate=self._allocate)

    def _allocate(self, *sizes: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        REAL.allocate(*sizes)

    @contextmanager
    def full(self) -> Iterator[None]:
        self.is_full = True
        yield
        self.is_full = False


_numbers = count()


def fill(engine: Engine, size: int = 20_000, ttl: int = DAY) -> list[str]:
    """Create messages, eight at a time, until all of them are refused; return the ids of those that are kept."""
    ids: list[str] = []
    for _ in range(500):
        group = [f"a{next(_numbers)}" for _ in range(8)]
        answers = engine.apply(*((message_id, Create("x" * size, ttl)) for message_id in group))
        assert all(isinstance(answer, Created | StorageUnavailable) for answer in answers)
        kept = [i for i, answer in zip(group, answers, strict=True) if isinstance(answer, Created)]
        if not kept:
            return ids
        ids += kept
        engine.housekeeping.prepare_next_group()
    raise AssertionError("there is no cap")


def test_the_cap_bounds_the_files_and_refuses_new_messages_alone(path: Path) -> None:
    engine = Engine(path, MIN_STORAGE)
    sealed = Create("sealed", DAY, AccessHashes("proof"), request_hash="request")
    asked = Create("question", DAY, AccessHashes("proof"), answer_hash="answer proof")
    engine.apply(("sealed", sealed), ("asked", asked))
    answer = Answer("x" * 20_000, "answer proof", "answer")
    for _ in range(3):
        ids = fill(engine)
        fill(engine, 1)
        assert MIN_STORAGE - LOG_ALLOWANCE < size_of_files(path) <= MIN_STORAGE
        assert isinstance(engine.apply(("small", Create("x", DAY)))[0], StorageUnavailable)
        assert isinstance(engine.apply(("sealed", sealed))[0], Repeated)
        assert isinstance(engine.apply(("asked", answer))[0], StorageUnavailable)
        assert isinstance(engine.apply(("asked", GetQuestion("answer proof")))[0], Question)
        granted, leased = engine.apply((ids[0], Read()), (ids[1], Read(idempotency_hash="key")))
        assert (granted, leased) == (Granted("x" * 20_000),) * 2
        assert engine.apply(*((message_id, Destroy()) for message_id in ids[2:])) == [Destroyed()] * len(ids[2:])
        engine.keep_house()
        assert isinstance(engine.apply((f"b{next(_numbers)}", Create("x", DAY)))[0], Created)
    assert isinstance(engine.apply(("asked", answer))[0], Answered)
    engine.close()


def test_the_usage_tells_of_the_cap_before_it_is_reached(path: Path) -> None:
    engine = Engine(path, MIN_STORAGE)
    engine.keep_house()
    usages = [engine.usage()]
    while usages[-1].share < 2 and isinstance(
        engine.apply((f"a{next(_numbers)}", Create("x" * 100_000, DAY)))[0], Created
    ):
        usages.append(engine.usage())
    fill(engine, 1)
    usages.append(engine.usage())
    assert [level for level, _ in groupby(usage.level for usage in usages)] == ["ok", "low", "full"]
    assert [usage.bytes for usage in usages] == sorted(usage.bytes for usage in usages)
    assert usages[-1].share == pytest.approx(1, abs=0.01)
    engine.close()


def test_a_cap_that_refuses_large_messages_only_is_reported_as_full(path: Path) -> None:
    engine = Engine(path, MIN_STORAGE)
    engine.keep_house()
    fill(engine, MAX_ENVELOPE_BYTES)
    engine.keep_house()
    assert isinstance(engine.apply(("small", Create("x", DAY)))[0], Created)
    assert engine.usage().level == "full"
    engine.close()


def test_the_log_has_room_for_the_largest_group_whenever_it_comes(path: Path) -> None:
    engine = Engine(path)
    engine.keep_house()
    small = count()
    for before in range(0, CARRY_OVER_PAGES // 4, 20):  # a group of one small message adds about 5 pages to the log
        for _ in range(before):
            engine.apply((f"b{next(small)}", Create("x" * 3_000, DAY)))
        engine.apply(*((f"a{before}x{n}", Create("x" * 8_192, DAY)) for n in range(MAX_GROUP)))
        assert log_path(path).stat().st_size == REAL.log_bytes
    engine.close()


def test_without_a_cap_there_is_none(path: Path) -> None:
    engine = Engine(path, 0)
    for group in range(10):
        answers = engine.apply(*((f"a{group}x{n}", Create("x" * 100_000, DAY)) for n in range(40)))
        assert all(isinstance(answer, Created) for answer in answers)
    assert size_of_files(path) > MIN_STORAGE
    engine.close()


def test_on_a_full_disk_what_waits_is_read_destroyed_leased_and_swept(path: Path) -> None:
    clock = Clock()
    disk = Disk()
    engine = Engine(path, clock=clock, system=disk.system)
    engine.keep_house()
    engine.apply(*((f"b{n}", Create("x", 60)) for n in range(50)))
    with disk.full():
        ids = fill(engine, 1_000)
        size = path.stat().st_size
        assert isinstance(engine.apply(("c0", Create("x", DAY)))[0], StorageUnavailable)
        # In one group with a new message, too.
        created, granted = engine.apply(("c0", Create("x", DAY)), (ids[0], Read()))
        assert isinstance(created, StorageUnavailable)
        assert granted == Granted("x" * 1_000)
        assert engine.apply((ids[1], Destroy())) == [Destroyed()]
        clock.now += 60
        engine.keep_house()
        assert engine.observer.expired_count == 50
        assert engine.usage().level == "full"
        assert path.stat().st_size <= size
    engine.keep_house()
    assert engine.usage().level in ("ok", "low")
    assert isinstance(engine.apply(("c0", Create("x", DAY)))[0], Created)
    engine.close()


def test_the_reserve_is_for_what_grows_although_nothing_is_new(path: Path) -> None:
    """Leases make rows longer, so pages are split: hundreds of readers on a disk without one free block."""
    clock = Clock()
    disk = Disk()
    engine = Engine(path, clock=clock, system=disk.system)
    engine.keep_house()
    assert engine.database.execute("SELECT length(pages) FROM reserve") == [(RESERVE_BYTES,)]
    ids = [f"b{number:04}" for number in range(1_000)]
    engine.apply(*((message_id, Create("x" * 20, DAY)) for message_id in ids))
    with disk.full():
        fill(engine, 20)
        readers = [(message_id, Read(idempotency_hash=message_id * 8)) for message_id in ids]
        for start in range(0, 1_000, 50):
            answers = engine.apply(*readers[start : start + 50])
            assert answers == [Granted("x" * 20)] * 50
        assert engine.database.execute("SELECT count(*) FROM reserve") == [(0,)]
        assert isinstance(engine.apply(("c0", Create("x", DAY)))[0], StorageUnavailable)
        clock.now += 60
        engine.keep_house()  # room is free in the file now, and is put aside first
        assert engine.database.execute("SELECT length(pages) FROM reserve") == [(RESERVE_BYTES,)]
    engine.close()


def test_room_is_given_back_to_the_disk(path: Path) -> None:
    engine = Engine(path)
    ids = [f"a{n}" for n in range(1_000)]
    for start in range(0, 1_000, 100):
        answers = engine.apply(*((i, Create("x" * 20_000, DAY)) for i in ids[start : start + 100]))
        assert all(isinstance(answer, Created) for answer in answers)
    engine.keep_house()
    assert path.stat().st_size > 20 * MIB
    for start in range(0, 900, 100):
        engine.apply(*((i, Destroy()) for i in ids[start : start + 100]))
    engine.keep_house()
    assert path.stat().st_size < 5 * MIB
    assert engine.apply(*((i, Read()) for i in ids[900:])) == [Granted("x" * 20_000)] * 100
    engine.keep_house()
    assert path.stat().st_size < 3 * MIB
    assert engine.database.execute("PRAGMA integrity_check") == [("ok",)]
    engine.close()


def test_giving_back_is_in_small_steps_and_lets_requests_in_between(path: Path) -> None:
    engine = Engine(path)
    ids = [f"a{n}" for n in range(500)]
    for start in range(0, 500, 100):
        engine.apply(*((i, Create("x" * 20_000, DAY)) for i in ids[start : start + 100]))
    engine.apply(*((i, Destroy()) for i in ids[:400]))
    engine.housekeeping.step()
    sizes = [path.stat().st_size]
    while engine.housekeeping.step():
        sizes.append(path.stat().st_size)
        assert engine.apply((ids[-len(sizes)], Read())) == [Granted("x" * 20_000)]
    assert len(sizes) > 4
    assert all(0 <= before - after <= 3 * MIB for before, after in pairwise(sizes))
    engine.close()


def test_a_log_that_grew_is_cut_back(path: Path) -> None:
    engine = Engine(path)
    log = path.with_name("messages.db-wal")
    engine.apply(*((f"a{n}", Create("x" * 100_000, DAY)) for n in range(120)))
    assert log.stat().st_size > 2 * REAL.log_bytes
    engine.housekeeping.prepare_next_group()
    assert log.stat().st_size == REAL.log_bytes
    engine.close()


def test_the_log_has_its_room_over_a_restart(path: Path) -> None:
    """A start on a full disk serves what waits: the log gets the room that the last process left it."""
    engine = Engine(path)
    engine.keep_house()
    engine.apply(("abc12", Create("secret", DAY)), ("abc13", Create("another", DAY)))
    log, reserve = path.with_name("messages.db-wal"), path.with_name("messages.db-reserve")
    room = log.stat().st_ino
    engine.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["messages.db", "messages.db-reserve"]
    assert (reserve.stat().st_ino, reserve.stat().st_size) == (room, REAL.log_bytes)
    engine = Engine(path)
    assert (log.stat().st_ino, log.stat().st_size) == (room, REAL.log_bytes)
    assert not reserve.exists()
    assert engine.apply(("abc12", Read())) == [Granted("secret")]
    engine.close()


@pytest.mark.parametrize("log_is_there", [True, False])
def test_a_reserve_with_old_commits_in_it_brings_nothing_back(path: Path, log_is_there: bool) -> None:  # noqa: FBT001
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    log = path.with_name("messages.db-wal")
    old = log.read_bytes()
    engine.apply(("abc12", Read()), ("abc13", Create("another", DAY)))
    new = (path.read_bytes(), log.read_bytes())
    engine.close()
    if log_is_there:  # as after a crash between two steps of the end
        path.write_bytes(new[0])
        log.write_bytes(new[1])
    path.with_name("messages.db-reserve").write_bytes(old)
    engine = Engine(path)
    assert engine.apply(("abc12", Read()), ("abc13", Read())) == [Missing(), Granted("another")]
    engine.close()


def test_where_the_system_cannot_take_room_zeros_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    with (tmp_path / "file").open("w+b") as file:
        file.write(b"content")
        file.flush()
        files.allocate(file.fileno(), 7, 2 * MIB)
    assert (tmp_path / "file").read_bytes() == b"content" + bytes(2 * MIB - 7)


@pytest.mark.parametrize(
    ("usage", "level", "share"),
    [
        (Usage(), "ok", 0),
        (Usage(79, 100), "ok", 0.79),
        (Usage(80, 100), "low", 0.8),
        (Usage(10, 100, refuses="no room"), "full", 0.1),
        (Usage(10, 100, disk_free_bytes=1 << 30), "ok", 0.1),
        (Usage(10, 100, disk_free_bytes=1 << 20), "low", 0.1),
    ],
)
def test_the_level_of_a_usage(usage: Usage, level: str, share: float) -> None:
    assert usage.level == level
    assert usage.share == pytest.approx(share)
    assert usage.readiness() == {"storage": level}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1_000),
        ("500MB", 500_000_000),
        ("2GiB", 2 << 30),
        ("1.5 gib", 3 << 29),
        ("64k", None),
        ("-1", None),
        ("", None),
        ("1e9", None),
        ("GiB", None),
        ("٣MB", None),
    ],
)
def test_sizes_as_operators_write_them(text: str, size: int | None) -> None:
    if size is not None:
        assert parse_size("MAX_STORAGE", text) == size
    else:
        with pytest.raises(SettingsError, match="MAX_STORAGE must be a size such as"):
            parse_size("MAX_STORAGE", text)
