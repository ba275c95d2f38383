"""What is destroyed leaves nothing in the files that could restore it: no text, and no key to the encrypted text."""

import random
import secrets
import sys
from array import array
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite.files import sync
from crypt_api.server.stores.sqlite.housekeeping import MAX_PAUSE_SECONDS
from crypt_api.server.stores.sqlite.key_slots import DamagedContentError, decrypt, encrypt, new_keys
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.sqlite.system import System
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import Acknowledged, Created, Destroyed, Granted, Missing, Receipt, WrongPassphrase
from crypt_core.record import MAX_PASSPHRASE_TRIES, AccessHashes
from tests.support.sqlite_files import Engine, copy_files, files_mention, keys_in_use, until
from tests.support.stores import Clock

DAY = 86_400  # seconds
MARK = "unmistakable-"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


def test_an_encrypted_content_is_read_with_its_key_and_under_its_id_alone() -> None:
    [key, other_key] = new_keys(2)
    encrypted = encrypt(key, "abc12", "secret")
    assert decrypt(key, "abc12", encrypted) == "secret"
    other_format = bytes([encrypted[0] + 1]) + encrypted[1:]
    for wrong in (
        (other_key, "abc12", encrypted),
        (key, "abc13", encrypted),
        (bytes(32), "abc12", encrypted),
        (key, "abc12", other_format),
        (key, "abc12", encrypted[:-1]),
        (key, "abc12", b""),
        (b"", "abc12", encrypted),
    ):
        with pytest.raises(DamagedContentError):
            decrypt(*wrong)


async def test_a_message_that_waits_is_not_in_the_files_as_text(path: Path) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create(MARK, DAY))
    assert not files_mention(path, MARK)
    assert await store.apply("abc12", Read()) == Granted(MARK)
    store.close()


def key_of(engine: Engine, message_id: str) -> bytes:
    [[key]] = engine.database.execute(
        "SELECT key FROM key_slots JOIN messages USING (slot) WHERE messages.id = ?", message_id
    )
    assert isinstance(key, bytes)
    return key


@pytest.mark.parametrize(
    "last",
    [
        [(Read("proof", "passphrase"), Granted(MARK))],
        [(Destroy("proof"), Destroyed())],
        [(Read("proof", "wrong"), WrongPassphrase(n)) for n in range(MAX_PASSPHRASE_TRIES - 1, -1, -1)],
        [(Read("proof", "passphrase", "key"), Granted(MARK)), (Acknowledge("proof", "key"), Acknowledged())],
    ],
    ids=["read", "destroyed", "tenth wrong passphrase", "acknowledged"],
)
def test_the_key_goes_with_the_message(path: Path, last: list[tuple[Command, object]]) -> None:
    engine = Engine(path)
    engine.apply(("sealed", Create(MARK, DAY, AccessHashes("proof", "passphrase"))))
    key = key_of(engine, "sealed")
    assert files_mention(path, key)
    for command, outcome in last:
        assert engine.apply(("sealed", command)) == [outcome]
    engine.keep_house()
    assert not files_mention(path, key)
    assert isinstance(engine.apply(("sealed", GetReceipt("proof")))[0], Receipt)
    engine.close()


def test_the_key_of_what_expires_goes_when_its_time_is_up(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock=clock)
    engine.apply(("abc12", Create(MARK, 60)), ("abc13", Create(MARK, 120)))
    engine.apply(("leased", Create(MARK, DAY)))
    engine.apply(("leased", Read(idempotency_hash="key")))
    keys = {message_id: key_of(engine, message_id) for message_id in ("abc12", "abc13", "leased")}
    clock.now += LEASE_SECONDS - 1
    engine.keep_house()
    assert all(files_mention(path, key) for key in keys.values())
    clock.now += 1
    engine.keep_house()
    assert [files_mention(path, key) for key in keys.values()] == [False, True, False]
    engine.close()


def test_a_new_message_under_an_expired_id_gets_a_key_of_its_own(path: Path) -> None:
    clock = Clock()
    engine = Engine(path, clock=clock)
    engine.apply(("abc12", Create(MARK, 60)))
    key = key_of(engine, "abc12")
    clock.now += 60
    assert isinstance(engine.apply(("abc12", Create("another", 60)))[0], Created)
    engine.keep_house()
    assert not files_mention(path, key)
    assert engine.apply(("abc12", Read())) == [Granted("another")]
    engine.close()


async def test_it_is_gone_soon_without_being_asked_for(path: Path) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create(MARK, DAY))
    await store.apply("abc12", Read())
    await until(lambda: not any(path.with_name("messages.db-wal").read_bytes()), MAX_PAUSE_SECONDS + 20)
    store.close()
    assert keys_in_use(path) == set()


def test_what_a_crash_left_in_the_log_is_erased_at_the_next_start(path: Path, tmp_path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create(MARK, DAY)))
    key = key_of(engine, "abc12")
    engine.apply(("abc12", Read()))
    crashed = copy_files(path, tmp_path / "crashed")
    engine.close()
    assert files_mention(crashed, key)
    engine = Engine(crashed)
    assert not files_mention(crashed, key)
    assert engine.apply(("abc12", Read())) == [Missing()]
    engine.close()


def test_the_log_loses_its_header_first(path: Path) -> None:
    """A log with a header and half of its frames would bring old pages back after a crash."""
    log = path.with_name("messages.db-wal")
    synced: list[bytes] = []

    def look(descriptor: int) -> None:
        sync(descriptor)
        synced.append(log.read_bytes())

    engine = Engine(path, system=System(sync=look))
    engine.apply(("abc12", Create(MARK, DAY)))
    engine.apply(("abc12", Read()))
    synced.clear()
    engine.keep_house()
    first, second = synced
    assert not any(first[:32])
    assert any(first[32:])
    assert not any(second)
    engine.close()


@pytest.mark.parametrize("log_is_long", [False, True])  # so long that SQLite carries it over with the next commit
def test_room_that_is_given_back_is_overwritten_first(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log_is_long: bool,  # noqa: FBT001
) -> None:
    """Pages with keys move towards the front of the file; SQLite cuts off their old places as they are."""
    engine = Engine(path)
    ids = [f"a{n}" for n in range(2_000)]
    engine.apply(*((message_id, Create("x" * 5_000, DAY)) for message_id in ids[:1_000]))
    engine.apply(*((message_id, Create("x" * 5_000, DAY)) for message_id in ids[1_000:]))
    engine.keep_house()
    rng = random.Random(1)
    rng.shuffle(ids)
    for start in range(0, 1_900, 100):
        engine.apply(*((message_id, Destroy()) for message_id in ids[start : start + 100]))
    if log_is_long:
        engine.database.carry_over()
        engine.apply(*((f"b{n}", Create("x" * 100_000, DAY)) for n in range(36)))
    cut_off: list[bytes] = []
    execute = type(engine.database).execute

    def look(sql: str, *values: object) -> list[object]:
        if "wal_checkpoint" not in sql:
            size = path.stat().st_size
            rows = execute(engine.database, sql, *values)
            assert path.stat().st_size >= size
            return rows
        before = path.read_bytes()
        rows = execute(engine.database, sql, *values)
        cut_off.append(before[path.stat().st_size :])
        return rows

    monkeypatch.setattr(engine.database, "execute", look)
    engine.keep_house()
    assert sum(map(len, cut_off)) > 4 << 20
    assert not any(map(any, cut_off))
    assert sorted(engine.database.records.rows(ids)) == sorted(ids[1_900:])
    engine.close()


class Life:
    """A population of messages that grows and shrinks, and remembers what must not be found again."""

    def __init__(self, engine: Engine, clock: Clock, rng: random.Random) -> None:
        self._engine = engine
        self._clock = clock
        self._rng = rng
        self._alive: dict[str, tuple[str, bool]] = {}
        self.marks: set[bytes] = set()
        self.destroyed_keys: set[bytes] = set()
        self._in_use: set[bytes] = set()
        self.created = 0

    def _content(self) -> str:
        """20 bytes to 100 KB, most of them small; each with a mark that is in no other."""
        mark = secrets.token_hex(10)
        self.marks.add(mark.encode())
        size = self._rng.choice([0, 0, 0, 0, 30, 30, 200, 200, 1_000, 5_000, 20_000])
        if self._rng.random() < 0.005:
            size = 100_000
        return mark + "x" * size

    def grow(self, count: int) -> None:
        commands: list[tuple[str, Command]] = []
        for _ in range(count):
            is_sealed = self._rng.random() < 0.4
            message_id = f"{self._rng.getrandbits(128 if is_sealed else 40):x}"
            content = self._content()
            access = AccessHashes("proof") if is_sealed else None
            reads = self._rng.choice([1, 1, 2]) if is_sealed else 1
            commands.append((message_id, Create(content, self._rng.choice([60, DAY]), access, reads)))
            self._alive[message_id] = (content, is_sealed)
        assert all(isinstance(answer, Created) for answer in self._engine.apply(*commands))
        self.created += count

    def shrink(self, count: int) -> None:
        commands: list[tuple[str, Command]] = []
        for message_id in self._rng.sample(sorted(self._alive), min(count, len(self._alive))):
            _, is_sealed = self._alive[message_id]
            proof = "proof" if is_sealed else None
            way = self._rng.random()
            if way < 0.3:
                commands.append((message_id, Destroy(proof)))
            elif way < 0.6:
                commands.append((message_id, Read(proof, idempotency_hash="key")))
                if way < 0.5:
                    commands.append((message_id, Acknowledge(proof, "key")))
            else:
                commands.append((message_id, Read(proof)))
        self._engine.apply(*commands)

    def pass_time(self, seconds: float) -> None:
        self._clock.now += seconds
        self._engine.keep_house()

    def note_keys(self) -> None:
        """Remember all keys that were in use, and are not any more."""
        rows = self._engine.database.execute("SELECT id, key FROM messages JOIN key_slots USING (slot)")
        in_use = {key for _, key in rows}
        self.destroyed_keys |= self._in_use - in_use
        self._in_use = in_use
        alive = {message_id for message_id, _ in rows}
        self._alive = {message_id: what for message_id, what in self._alive.items() if message_id in alive}


def found(path: Path, needles: set[bytes]) -> set[bytes]:
    """Which of the needles are in the files, at any place. Each has at least 15 bytes.

    Every 15 bytes in a file hold 8 that are aligned. So it is enough to look at each aligned word of the files, and
    to compare where a word is one of the needles'.
    """
    by_word: dict[int, list[bytes]] = {}
    for needle in needles:
        for start in range(8):
            by_word.setdefault(int.from_bytes(needle[start : start + 8], sys.byteorder), []).append(needle)
    here = set()
    for file in path.parent.iterdir():
        data = file.read_bytes()
        words = array("Q", data + bytes(-len(data) % 8))
        if not by_word.keys().isdisjoint(words):
            suspects = {needle for word in words if word in by_word for needle in by_word[word]}
            here |= {needle for needle in suspects if needle in data}
    return here


def live(path: Path, messages: int) -> Life:
    rng = random.Random(messages)
    clock = Clock()
    engine = Engine(path, clock=clock)
    life = Life(engine, clock, rng)
    while life.created < messages:
        is_growing = rng.random() < 0.5
        for _ in range(rng.randint(1, 12)):
            life.grow(rng.randint(20, 120) if is_growing else rng.randint(1, 40))
            life.note_keys()
            life.shrink(rng.randint(1, 40) if is_growing else rng.randint(20, 120))
            life.note_keys()
        life.pass_time(rng.choice([0.5, 5, 60]))
        life.note_keys()
    life.grow(50)  # so that some are left, whatever became of the others
    life.pass_time(0.5)
    life.note_keys()
    engine.close()
    return life


def check_nothing_is_found(path: Path, messages: int) -> None:
    life = live(path, messages)
    in_use = keys_in_use(path)
    assert len(life.marks) >= messages
    assert len(life.destroyed_keys) > messages * 0.5
    assert not in_use & life.destroyed_keys
    assert in_use
    assert found(path, in_use) == in_use  # the search finds what is there
    assert found(path, life.destroyed_keys) == set()
    assert found(path, life.marks) == set()


def test_of_thousands_of_messages_nothing_is_found_again(path: Path) -> None:
    check_nothing_is_found(path, 5_000)


@pytest.mark.long
def test_of_100_000_messages_nothing_is_found_again(path: Path) -> None:
    check_nothing_is_found(path, 100_000)
