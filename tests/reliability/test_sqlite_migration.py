"""A file of schema version 1 becomes one of version 2: all of it or nothing, and without a trace of its texts."""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite import migration, schema
from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Create, GetReceipt, Granted, Missing, Read, Receipt, WrongPassphrase
from crypt_core.record import AccessHashes, Lease, Record, encode
from tests.support.sqlite_files import Engine, files_mention, keys_in_use
from tests.support.stores import Clock

DAY = 86_400  # seconds
MARK = "unmistakable-"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def write_version_1(path: Path, records: dict[str, Record]) -> None:
    """What the first version of the store wrote, in its own words."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, due_at REAL NOT NULL, record TEXT NOT NULL)")
    database.execute("CREATE INDEX messages_due_at ON messages (due_at)")
    database.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    for message_id, record in records.items():
        database.execute("INSERT INTO messages VALUES (?, ?, ?)", (message_id, record.due_at, encode(record)))
    database.close()


def records(clock: Clock) -> dict[str, Record]:
    plain = Record(MARK + "plain 🐎", clock.now + DAY)
    locked = Record(MARK + "locked", clock.now + DAY, AccessHashes("proof", "passphrase"), "request", 2, 7)
    leased = replace(plain, content=MARK + "leased", reads_left=0, state="read", at=clock.now)
    tombstone = Record(None, clock.now + DAY, AccessHashes("proof"), reads_left=0, state="read", at=clock.now)
    return {
        "abc12": plain,
        "locked": locked,
        "leased": replace(leased, leases=(Lease("key", clock.now + 30),)),
        "tombstone": tombstone,
        "expired": Record(MARK + "expired", clock.now - 1),
        **{f"many{n}": Record(MARK + "x" * 1_000, clock.now + DAY) for n in range(2_000)},
    }


def test_every_record_is_there_and_no_text(path: Path) -> None:
    clock = Clock()
    write_version_1(path, records(clock))
    old = path.open("rb")  # what is left of the old file
    assert files_mention(path, MARK)
    path.chmod(0o640)
    engine = Engine(path, clock=clock)
    assert not files_mention(path, MARK)
    assert MARK.encode() not in old.read()
    old.close()
    assert path.stat().st_mode & 0o777 == 0o640
    assert engine.file.execute("SELECT count(*) FROM messages") == [(2_005,)]
    assert engine.apply(
        ("abc12", Read()),
        ("leased", Read()),
        ("leased", Read(idempotency_hash="key")),
        ("expired", Read()),
        ("locked", Read("proof", "wrong")),
        ("locked", Read("proof", "passphrase")),
        ("many1999", Read()),
    ) == [
        Granted(MARK + "plain 🐎"),
        Missing(),
        Granted(MARK + "leased"),
        Missing(),
        WrongPassphrase(6),
        Granted(MARK + "locked"),
        Granted(MARK + "x" * 1_000),
    ]
    [receipt] = engine.apply(("tombstone", GetReceipt("proof")))
    assert receipt == Receipt("read", passphrase=False, reads_left=0, at=clock.now, expires_at=clock.now + DAY)
    assert engine.file.execute("PRAGMA auto_vacuum") == [(2,)]  # room can be given back
    assert sorted(file.name for file in path.parent.iterdir()) == ["messages.db", "messages.db-wal"]
    engine.close()
    assert len(keys_in_use(path)) == 1_999 + 2  # those that nobody asked for, the second read and the lease


def test_what_crashed_with_a_log_is_migrated_with_its_log(path: Path, tmp_path: Path) -> None:
    clock = Clock()
    write_version_1(path, {})
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("INSERT INTO messages VALUES ('abc12', 1, ?)", [encode(Record(MARK, clock.now + DAY))])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("messages.db", "messages.db-wal"):
        (crashed / name).write_bytes(path.with_name(name).read_bytes())
    database.close()
    engine = Engine(crashed / "messages.db", clock=clock)
    assert engine.apply(("abc12", Read())) == [Granted(MARK)]
    engine.close()


def test_a_row_that_cannot_be_read_is_kept_until_its_time_is_up(path: Path) -> None:
    clock = Clock()
    write_version_1(path, {"abc12": Record("x", clock.now + 60), "abc13": Record("y", clock.now + 60)})
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE messages SET record = 'not JSON' WHERE id = 'abc12'")
    database.close()
    engine = Engine(path, clock=clock)
    damaged, whole = engine.apply(("abc12", Read()), ("abc13", Read()))
    assert isinstance(damaged, StorageUnavailable)
    assert whole == Granted("y")
    clock.now += 60
    engine.keep_house()
    assert engine.apply(("abc12", Read())) == [Missing()]
    engine.close()


@pytest.mark.parametrize("step", ["_copy", "sync", "write_zeros"])
def test_a_migration_that_breaks_off_leaves_the_old_file_or_the_new_one(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    write_version_1(path, records(clock))

    def break_off(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migration, step, break_off)
    with pytest.raises(StorageUnavailable, match="No space left on device"):
        Engine(path)
    monkeypatch.undo()
    engine = Engine(path, clock=clock)
    assert engine.file.execute("SELECT count(*) FROM messages") == [(2_005,)]
    assert engine.apply(("abc12", Read())) == [Granted(MARK + "plain 🐎")]
    assert not path.with_name("messages.db-new").exists()
    engine.close()


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    clock = Clock()
    target = tmp_path / "elsewhere" / "messages.db"
    target.parent.mkdir()
    write_version_1(target, {"abc12": Record(MARK, clock.now + DAY)})
    path.symlink_to(target)
    engine = Engine(path, clock=clock)
    assert engine.apply(("abc12", Read())) == [Granted(MARK)]
    assert path.is_symlink()
    engine.apply(("abc13", Create("x", DAY)))
    engine.close()
