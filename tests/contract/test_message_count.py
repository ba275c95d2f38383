"""What stores tell of the number of their messages, which `ID_LENGTH=auto` goes by."""

from pathlib import Path

from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_core.commands import Create, Destroy, Read
from tests.support.sqlite_files import Engine
from tests.support.stores import STORES, Clock

DAY = 86_400  # seconds


async def test_memory_counts_its_messages() -> None:
    store = MemoryStore()
    await store.apply("aaaaa", Create("secret", DAY))
    await store.apply("bbbbb", Create("secret", DAY))
    await store.apply("aaaaa", Read())
    assert store.usage.messages == 1


def test_sqlite_counts_what_has_a_key_over_growth_destruction_and_a_restart(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "messages.db")

    def messages() -> int:
        return engine.usage().messages

    counts = [messages()]
    for number in range(300):  # more than the slots that are added at a time
        engine.apply((f"a{number:04}", Create("secret", DAY)))
    counts.append(messages())
    engine.apply(("a0000", Read()), ("a0001", Read(idempotency_hash="key")), ("a0002", Destroy()), ("zzzzz", Read()))
    counts.append(messages())
    engine.close()
    engine = Engine(tmp_path / "messages.db")
    counts.append(messages())
    engine.close()
    assert counts == [0, 300, 298, 298]


async def test_valkey_counts_its_keys_when_it_starts(tmp_path: Path, clock: Clock) -> None:
    with STORES["valkey"](tmp_path, clock) as store:
        assert isinstance(store, ValkeyStore)
        for number in range(20):
            await store.apply(f"a{number:04}", Create("secret", DAY))
        store.check()
        assert store.usage.messages >= 20
