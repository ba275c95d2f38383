"""A row, or a page, that cannot be read harms nobody else, and goes when its time is up."""

import asyncio
import re
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite.records import UnreadableRow
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import System
from crypt_core.commands import Create, Destroy, GetReceipt, Read
from crypt_core.outcomes import Created, Destroyed, Granted, Missing, Receipt
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.sqlite_files import Engine, Observer, until
from tests.support.stores import Clock

DAY = 86_400  # seconds

RECORD_DAMAGES = [
    "UPDATE messages SET record = 'not JSON'",
    "UPDATE messages SET record = '[1]'",
    "UPDATE messages SET record = '{}'",
    'UPDATE messages SET record = \'{"expires_at": "soon"}\'',
    'UPDATE messages SET record = \'{"expires_at": 1, "of a later version": 1}\'',
    "UPDATE messages SET record = X'FF00FF'",
    "UPDATE messages SET record = 12",
    "UPDATE messages SET slot = 'x'",
]
CONTENT_DAMAGES = [
    "UPDATE contents SET content = X'01' || zeroblob(50)",
    "UPDATE contents SET content = X'02' || substr(content, 2)",
    "UPDATE contents SET content = X''",
    "UPDATE contents SET content = 'text'",
    "DELETE FROM contents",
    "UPDATE key_slots SET key = zeroblob(32) WHERE key <> zeroblob(32)",
    "UPDATE messages SET slot = 9999",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


@pytest.mark.parametrize("damage", [*RECORD_DAMAGES, *CONTENT_DAMAGES])
def test_a_row_that_cannot_be_read_is_a_503_for_its_readers_and_nothing_for_others(path: Path, damage: str) -> None:
    clock = Clock()
    engine = Engine(path, clock=clock)
    engine.apply(("sealed", Create("secret", DAY, AccessHashes("proof"))))
    engine.database.execute(damage)
    for _ in range(2):
        created, read = engine.apply(("abc12", Create("another", DAY)), ("sealed", Read("proof")))
        assert not isinstance(created, Exception)
        assert isinstance(read, UnreadableRow)
        assert engine.apply(("abc12", Read())) == [Granted("another")]
    assert engine.observer.damaged_count == 1
    clock.now += DAY
    engine.keep_house()
    assert engine.apply(("sealed", Read("proof"))) == [Missing()]
    assert engine.database.execute("SELECT count(*) FROM messages") == [(0,)]
    engine.close()


@pytest.mark.parametrize("damage", CONTENT_DAMAGES)
def test_a_content_that_cannot_be_read_can_be_destroyed(path: Path, damage: str) -> None:
    engine = Engine(path)
    engine.apply(("sealed", Create("secret", DAY, AccessHashes("proof"))))
    engine.database.execute(damage)
    assert isinstance(engine.apply(("sealed", GetReceipt("proof")))[0], Receipt)
    assert engine.apply(("sealed", Destroy("proof"))) == [Destroyed()]
    engine.close()


def test_what_cannot_be_read_does_not_stop_the_sweep(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock=clock)
    for number in range(100):
        engine.apply((f"a{number}", Create("x", 60)))
    engine.database.execute("UPDATE messages SET record = 'not JSON' WHERE id LIKE 'a_'")
    clock.now += 60
    engine.keep_house()
    assert engine.database.execute("SELECT count(*) FROM messages") == [(0,)]
    assert engine.observer.expired_count == 90
    assert engine.observer.damaged_count == 10
    engine.close()


async def test_it_is_counted_once_and_logged_without_its_id(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    engine.database.execute("UPDATE messages SET record = 'not JSON with a secret'")
    engine.close()
    observer = Observer()
    store = SqliteStore(path, observer=observer)
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await store.apply("abc12", Read())
    assert observer.damaged_count == 1
    await until(lambda: store.usage.readiness() == {"storage": "ok", "damaged_records": 1})
    store.close()
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "a message cannot be read" in text
    assert "abc12" not in text
    assert "secret" not in text


IDS = [f"marked{n:04}" for n in range(3_000)]


def damage_page(path: Path, clock: Clock, *, of_index: bool) -> list[str]:
    """Fill a file with messages, overwrite a page of the table or of its index, and return the ids that are on it."""
    engine = Engine(path, clock=clock)
    for start in range(0, len(IDS), 100):
        engine.apply(*((message_id, Create("x", 60)) for message_id in IDS[start : start + 100]))
    engine.keep_house()
    engine.close()
    data = path.read_bytes()
    pages = [data[start : start + 4_096] for start in range(0, len(data), 4_096)]
    leaves = [page for page in pages if page[:1] == b"\x0a" and b"marked" in page]
    damaged = [page for page in leaves if (b"expires_at" not in page) == of_index][3]
    path.write_bytes(data.replace(damaged, b"\xff" * 4_096))
    return [message_id for message_id in IDS if message_id.encode() in damaged]


async def test_a_damaged_page_stops_neither_the_service_nor_the_sweep(path: Path) -> None:
    clock = Clock()
    lost = damage_page(path, clock, of_index=False)
    assert 10 < len(lost) < 200
    observer = Observer()
    store = SqliteStore(path, clock=clock, observer=observer)
    asked = [*lost[:5], *[message_id for message_id in IDS if message_id not in lost][:50]]
    outcomes = await asyncio.gather(*(store.apply(message_id, Read()) for message_id in asked), return_exceptions=True)
    assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes[:5])
    assert outcomes[5:] == [Granted("x")] * 50
    clock.now += 60
    # To delete a row, SQLite may look into the next pages, too: a few rows there are as good as damaged.
    await until(lambda: observer.expired_count >= len(IDS) - 50 - 4 * len(lost), 30)
    assert isinstance(await store.apply("abc12", Create("another", DAY)), Created)
    assert await store.apply("abc12", Read()) == Granted("another")
    await until(lambda: store.usage.damaged >= len(lost))
    store.close()


async def test_a_damaged_index_is_told_and_stops_the_sweep_alone(path: Path) -> None:
    clock = Clock()
    damage_page(path, clock, of_index=True)
    store = SqliteStore(path, clock=clock)
    clock.now += 60
    await until(lambda: store.usage.readiness().get("malformed") is True)
    assert await store.apply("unknown", Read()) == Missing()
    clock.now += 60  # what has expired is not given out, swept or not
    outcomes = await asyncio.gather(*(store.apply(message_id, Read()) for message_id in IDS), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Missing, StorageUnavailable}
    store.close()


def test_an_index_entry_without_a_row_does_not_stop_the_sweep(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock=clock)
    for start in range(0, 100, 20):  # the first ones are due first
        engine.apply(*((message_id, Create("x", 60)) for message_id in IDS[start : start + 20]))
        clock.now += 1
    engine.keep_house()
    engine.close()
    data = path.read_bytes()
    [entry] = [
        found.start()
        for found in re.finditer(b"marked0007", data)
        if b"expires_at" not in data[found.start() : found.start() + 100]
    ]
    path.write_bytes(data[: entry + 9] + b"w" + data[entry + 10 :])
    clock.now += 60
    engine = Engine(path, clock=clock)
    engine.keep_house()
    left = engine.database.execute("SELECT id FROM messages INDEXED BY sqlite_autoindex_messages_1")
    assert {message_id for (message_id,) in left} < {*IDS[6:9]}
    engine.close()


async def test_the_writer_does_not_end_without_the_process(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    store = SqliteStore(path, system=System(exit=lambda: ended.append(True)))
    monkeypatch.setattr(store._writer._housekeeping, "step", lambda: 1 / 0)  # noqa: SLF001
    await until(lambda: bool(ended))
    assert [record.getMessage() for record in caplog.records] == [
        "the store cannot go on, and the process ends: ZeroDivisionError"
    ]
