"""The engine is down, full, slow, read-only, of the wrong kind, or comes back: 503 in time, and recovery by itself."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from crypt_api.server.stores import open_store, reporting
from crypt_api.server.stores.reporting import NoObserver
from crypt_api.server.stores.valkey import memory_watch
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Acknowledge, Answer, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.http.message_fields import MAX_ENVELOPE_BYTES
from crypt_core.outcomes import Acknowledged, Answered, Created, Destroyed, Granted, Missing, Question, Receipt
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.valkey import Engine, Proxy, recovered, until, without_ifeq

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")
DEADLINE = 0.5


@pytest.fixture
async def store(engine: Engine) -> AsyncIterator[ValkeyStore]:
    store = ValkeyStore(parse_url(f"{engine.url}?deadline={DEADLINE}"))
    yield store
    store.close()


@pytest.fixture
async def patient(engine: Engine) -> AsyncIterator[ValkeyStore]:
    """A store whose deadline is not used up by anything else that this machine has to do."""
    store = ValkeyStore(parse_url(f"{engine.url}?deadline=20"))
    yield store
    store.close()


async def assert_refused_in_time(store: ValkeyStore) -> str:
    began = time.monotonic()
    with pytest.raises(StorageUnavailable) as refused:
        await store.apply("abc12", Read())
    assert time.monotonic() - began < DEADLINE + 5  # whatever else is to be done on this machine
    return str(refused.value)


async def test_an_engine_that_is_away_is_503_and_it_recovers(engine: Engine, store: ValkeyStore) -> None:
    await store.apply("abc12", PLAIN)
    engine.kill()
    await assert_refused_in_time(store)
    engine.start()
    assert await recovered(store, "abc12", Read()) == Granted("plain")


async def test_what_was_acknowledged_and_read_survives_a_crash_of_the_engine(
    engine: Engine, store: ValkeyStore
) -> None:
    for number in range(20):
        await store.apply("abc12", PLAIN)
        await store.apply("abc13", PLAIN)
        assert await store.apply("abc13", Read()) == Granted("plain")
        if number % 5 == 0:
            engine.kill()
            engine.start()
        assert await recovered(store, "abc13", Read()) == Missing()
        assert await recovered(store, "abc12", Read()) == Granted("plain")


async def test_an_engine_that_hangs_is_503_and_there_is_no_storm_of_connections(engine: Engine) -> None:
    with Proxy(engine.port) as proxy:
        store = ValkeyStore(parse_url(f"{proxy.url}?deadline={DEADLINE}"))
        await store.apply("abc12", PLAIN)
        proxy.is_cut = True
        connections = proxy.connections
        for _ in range(4):
            await asyncio.gather(*(assert_refused_in_time(store) for _ in range(100)))
        assert proxy.connections - connections <= 10
        proxy.is_cut = False
        assert await recovered(store, "abc12", Read()) == Granted("plain")
        store.close()


async def test_a_slow_engine_is_waited_for(engine: Engine, patient: ValkeyStore) -> None:
    await patient.apply("abc12", PLAIN)
    with engine.client as client:
        client.client_pause(300, all=True)
    assert await patient.apply("abc12", Read()) == Granted("plain")


async def test_an_engine_that_became_a_replica_is_503(engine: Engine, store: ValkeyStore) -> None:
    await store.apply("abc12", PLAIN)
    with engine.client as client:
        client.execute_command("REPLICAOF", "127.0.0.1", 1)
        assert "READONLY" in await assert_refused_in_time(store)
        client.execute_command("REPLICAOF", "NO", "ONE")
    assert await recovered(store, "abc12", Read()) == Granted("plain")


@pytest.mark.parametrize(
    ("harm", "remedy"),
    [
        (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
        (("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), ("CONFIG", "SET", "maxmemory-policy", "noeviction")),
    ],
    ids=["replica", "eviction"],
)
async def test_an_engine_that_is_set_up_anew_is_503_although_nothing_is_written(
    engine: Engine,
    store: ValkeyStore,
    harm: tuple[str | int, ...],
    remedy: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A replica may lack a message that its primary has: 404 could be untrue."""
    monkeypatch.setattr(memory_watch, "INTERVAL", 0.02)
    await store.apply("abc12", PLAIN)
    with engine.client as client:
        client.execute_command(*harm)
        await until(lambda: store.live.keys.topology.primaries[0].session is None, "nobody has noticed")
        with pytest.raises(StorageUnavailable):
            await store.apply("abc13", Read())
        client.execute_command(*remedy)
    assert await recovered(store, "abc12", Read()) == Granted("plain")


async def test_an_engine_that_misses_replicas_is_503(engine: Engine, store: ValkeyStore) -> None:
    await store.apply("abc12", PLAIN)
    with engine.client as client:
        client.config_set("min-replicas-to-write", 1)
        assert "NOREPLICAS" in await assert_refused_in_time(store)
        client.config_set("min-replicas-to-write", 0)
    assert await recovered(store, "abc12", Read()) == Granted("plain")


async def test_a_full_engine_refuses_new_messages_only(
    engine: Engine, patient: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_watch, "INTERVAL", 0.02)
    sealed = {name: Create("sealed", DAY, AccessHashes("proof"), 2, "request") for name in ("sealed1", "sealed2")}
    asked = Create("question", DAY, AccessHashes("proof"), 1, "request", "answer proof")
    for message_id, create in (sealed | {"abc12": PLAIN, "abc13": PLAIN, "asked": asked}).items():
        await patient.apply(message_id, create)
    answer = Answer("answer", "answer proof", "answer")
    with engine.client as client:
        client.config_set("maxmemory", 1)
        for create in (PLAIN, SEALED):
            with pytest.raises(StorageUnavailable, match="full"):
                await patient.apply("another", create)
        with pytest.raises(StorageUnavailable, match="full"):
            await patient.apply("asked", answer)
        assert isinstance(await patient.apply("asked", GetQuestion("answer proof")), Question)
        assert await patient.apply("abc12", Read()) == Granted("plain")
        assert await patient.apply("abc12", Read()) == Missing()
        with pytest.raises(StorageUnavailable, match="full"):
            await patient.apply("abc12", PLAIN)
        await until(lambda: patient.usage.level == "full", "the store does not say that it is full")
        assert await patient.apply("abc13", Destroy()) == Destroyed()
        for _ in range(2):
            assert await patient.apply("sealed1", Read("proof", None, "key")) == Granted("sealed")
        assert await patient.apply("sealed1", Read("proof", None, "other")) == Granted("sealed")
        assert await patient.apply("sealed1", Acknowledge("proof", "key")) == Acknowledged()
        assert await patient.apply("sealed2", Destroy("proof")) == Destroyed()
        receipt = await patient.apply("sealed2", GetReceipt("proof"))
        assert isinstance(receipt, Receipt)
        assert receipt.state == "destroyed"
        assert await patient.apply("unknown", Read()) == Missing()
        client.config_set("maxmemory", 0)
    assert isinstance(await patient.apply("another", PLAIN), Created)
    assert isinstance(await patient.apply("asked", answer), Answered)


async def test_an_engine_that_refuses_large_messages_only_is_full(
    engine: Engine, patient: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_watch, "INTERVAL", 0.01)
    large = Create("x" * MAX_ENVELOPE_BYTES, DAY)
    await patient.apply("abc12", PLAIN)
    with engine.client as client:
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", used + 3 * MAX_ENVELOPE_BYTES // 4)
        await until(lambda: patient.usage.max_bytes, "the limit is not seen")
        with pytest.raises(StorageUnavailable, match="full"):
            await patient.apply("large", large)
        assert isinstance(await recovered(patient, "small", PLAIN), Created)
        assert patient.usage.level == "full"
        client.config_set("maxmemory", 100 << 20)
        assert isinstance(await patient.apply("large", large), Created)
        await until(lambda: patient.usage.max_bytes == 100 << 20, "the new limit is not seen")
        assert patient.usage.level == "full", "a minute has not passed since the refusal"


def test_a_refusal_is_reported_for_a_minute() -> None:
    now = 0.0
    watch = memory_watch.MemoryWatch(lambda: now)
    levels = [watch.usage.level]
    watch.message_refused()
    for seconds in (59, 2):
        now += seconds
        levels.append(watch.usage.level)
    assert levels == ["ok", "full", "ok"]


@pytest.mark.parametrize(("messages", "level"), [(8, "ok"), (2, "full")])
async def test_an_engine_without_room_for_the_largest_message_is_full_before_one_comes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, messages: int, level: str
) -> None:
    """So the alert does not depend on how often somebody sends a large message."""
    monkeypatch.setattr(memory_watch, "INTERVAL", 0.01)
    monkeypatch.setattr(reporting, "LOW_SHARE", 1)
    with engine.client as client:
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + messages * MAX_ENVELOPE_BYTES)
    store = ValkeyStore(parse_url(engine.url))
    await store.apply("abc12", Read())
    await until(lambda: store.usage.max_bytes, "the limit is not seen")
    assert store.usage.level == level
    store.close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_an_engine_that_evicts_is_refused(engine: Engine, policy: str) -> None:
    with engine.client as client:
        client.config_set("maxmemory-policy", policy)
    with pytest.raises(StorageUnavailable, match=f"maxmemory-policy is {policy}"):
        open_store(f"{engine.url}?deadline=0.1", observer=NoObserver())


async def test_an_engine_that_is_not_there_is_refused_at_the_start() -> None:
    with pytest.raises(StorageUnavailable, match="cannot use the engine"):
        open_store("valkey://127.0.0.1:1/0?deadline=0.1", observer=NoObserver())


async def test_a_wrong_password_is_told_and_not_repeated_in_a_text(engine: Engine) -> None:
    with engine.client as client:
        client.config_set("requirepass", "right")
    with pytest.raises(StorageUnavailable) as refused:
        open_store(f"valkey://:mistake@127.0.0.1:{engine.port}/0?deadline=0.1", observer=NoObserver())
    assert "mistake" not in str(refused.value)
    store = open_store(f"valkey://:right@127.0.0.1:{engine.port}/0", observer=NoObserver())
    assert isinstance(await store.apply("abc12", PLAIN), Created)
    store.close()


async def test_the_start_says_which_promises_the_engines_settings_keep(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def told(options: str = "") -> dict[str, int]:
        caplog.clear()
        open_store(engine.url + options, observer=NoObserver())
        return {record.getMessage(): record.levelno for record in caplog.records if record.name.endswith("engine")}

    lines = told()
    assert lines["append-only file, appendfsync always: what is acknowledged survives a crash"] == logging.INFO
    assert lines["no replicas: there is no failover"] == logging.INFO
    assert lines["maxmemory is not set: the system may kill the engine when memory is full"] == logging.WARNING
    with engine.client as client:
        client.config_set("maxmemory", 100_000_000)
        client.config_set("appendfsync", "everysec")
        assert any("everysec" in line for line in told())
        client.config_set("appendonly", "no")
        lines = told()
    assert any(line.startswith("no append-only file") for line, level in lines.items() if level == logging.WARNING)
    assert any(line.startswith("maxmemory 100,000,000") for line, level in lines.items() if level == logging.INFO)


async def test_too_few_replicas_are_told_at_the_start(engine: Engine) -> None:
    text = r"a replica is away, or replicas=1 is more than there are \(WAIT 1: 0\)"
    with pytest.raises(StorageUnavailable, match=text):
        open_store(f"{engine.url}?replicas=1&deadline=0.5", observer=NoObserver())


async def test_an_engine_whose_version_lies_is_tried(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """A Redis built from a commit of 2024 says 255.255.255, and has no `SET IFEQ`."""
    caplog.set_level(logging.INFO)
    with without_ifeq(engine, b"255.255.255") as proxy:
        store = open_store(f"{proxy.url}?deadline={DEADLINE}", observer=NoObserver())
        assert (
            "Redis 255.255.255: at most one reader, by a script, since this engine has no SET IFEQ" in caplog.messages
        )
        assert isinstance(await store.apply("sealed", SEALED), Created)
        assert await store.apply("sealed", Read("proof")) == Granted("sealed")
        assert await store.apply("sealed", Read("proof")) == Missing()
        store.close()


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (b"6.3.4\r\nmvcc_depth:0", "the engine is KeyDB, which cannot wait for its disk"),
        (b"7.4.0\r\ndragonfly_version:df-v1.40.1", "the engine is Dragonfly"),
        (b"6.2.14", "Redis 6.2.14 is too old: Valkey 7.2 or Redis 7.2 is needed"),
        (b"7.0.15", "Redis 7.0.15 is too old"),
    ],
)
async def test_an_engine_that_cannot_keep_the_promises_is_refused_by_its_name(
    engine: Engine, version: bytes, text: str
) -> None:
    with without_ifeq(engine, version) as proxy, pytest.raises(StorageUnavailable, match=text):
        open_store(f"{proxy.url}?deadline=0.5", observer=NoObserver())
