"""What lies in an engine: which release can read it, and when it goes."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crypt_api.server.stores.valkey import lease_ends, lease_sweep
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Create, Destroy, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import Created, Granted, IdTaken, Missing, Receipt
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.stores import Clock
from tests.support.valkey import Engine, Proxy, as_it_is, new_prefix, shared_engine, until

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")


@pytest.fixture
async def store(engine: Engine) -> AsyncIterator[ValkeyStore]:
    store = ValkeyStore(parse_url(f"{engine.url}?deadline=20"))
    yield store
    store.close()


async def test_another_programs_key_is_503_and_stays(engine: Engine, store: ValkeyStore) -> None:
    with engine.client as client:
        client.set("crypt:abc12", "something else")
        client.lpush("crypt:abc13", "something else")
        for message_id in ("abc12", "abc13"):
            with pytest.raises(StorageUnavailable):
                await store.apply(message_id, Read())
        assert client.get("crypt:abc12") == b"something else"


async def test_a_record_of_this_release_is_read_by_the_next_one(engine: Engine, store: ValkeyStore) -> None:
    """Written by version 1 of the form; every later release must read them."""
    with engine.client as client:
        client.set("crypt:abc12", b'1 AAAAAAAA AAAAAAAA\n{"content": "plain", "expires_at": 4000000000.5}')
        client.set(
            "crypt:sealed",
            b'1 AAAAAAAC AAAAAAAA,AAAAAAAB\n{"content": "sealed", "expires_at": 4000000000, "access": ["proof", null], '
            b'"request_hash": "request", "reads_left": 0, "leases": [["key", 3999999999]], "state": "read", "at": 1.5}',
        )
        client.set("crypt:abc13", b"1 AAAAAAAA AAAAAAAA\n")
    assert await store.apply("abc12", Read()) == Granted("plain")
    assert await store.apply("sealed", Read("proof", None, "key")) == Granted("sealed")
    assert await store.apply("sealed", SEALED) == IdTaken()
    assert await store.apply("abc13", Read()) == Missing()
    assert isinstance(await store.apply("abc13", PLAIN), Created)


NEWER = [
    b'2 AAAAAAAA AAAAAAAA\n{"content": "secret", "expires_at": 4000000000}',
    b'1 AAAAAAAA AAAAAAAA\n{"content": "secret", "expires_at": 4000000000, "news": 1}',
    b"1 AAAAAAAA AAAAAAAA\n{",
]


@pytest.mark.parametrize("value", NEWER)
async def test_a_record_that_only_the_next_release_can_read_is_503_and_stays(
    engine: Engine, store: ValkeyStore, value: bytes
) -> None:
    with engine.client as client:
        client.set("crypt:abc12", value)
        for command in (Read(), Destroy(), PLAIN):
            with pytest.raises(StorageUnavailable, match="another release"):
                await store.apply("abc12", command)
        assert client.get("crypt:abc12") == value


async def test_the_sweep_passes_over_what_it_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_sweep, "INTERVAL", 0.02)
    monkeypatch.setattr(lease_ends, "SWEEP_CHUNK", 1)  # however many there are
    clock = Clock()
    prefix = new_prefix()
    store = ValkeyStore(parse_url(f"{shared_engine().url}?prefix={prefix}"), clock=clock)
    for message_id in ("first", "second"):
        await store.apply(message_id, SEALED)
        assert await store.apply(message_id, Read("proof", None, "key")) == Granted("sealed")
        clock.now += 1
    client = shared_engine().client
    client.set(f"{prefix}first", NEWER[1])
    clock.now += LEASE_SECONDS
    await until(lambda: b'"sealed"' not in (client.get(f"{prefix}second") or b""), "the content stays")
    assert client.get(f"{prefix}first") == NEWER[1]
    store.close()


async def test_a_garbled_answer_with_a_message_is_not_in_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def garbled(piece: bytes) -> bytes:
        return re.sub(rb"\$\d+\r\n1 ", b"1 ", piece)

    with Proxy(engine.port) as proxy:
        proxy.faults = lambda: (as_it_is, garbled)
        store = ValkeyStore(parse_url(f"{proxy.url}?deadline=0.5"))
        await store.apply("abc12", PLAIN)
        with pytest.raises(StorageUnavailable) as refused:
            await store.apply("abc12", GetReceipt("proof"))
        store.close()
    assert "does not speak the protocol" in caplog.text
    assert "plain" not in caplog.text + str(refused.value)


async def test_the_engine_expires_messages_on_its_own(engine: Engine, store: ValkeyStore) -> None:
    await store.apply("abc12", Create("plain", 60))
    await store.apply("sealed", SEALED)
    await store.apply("abc13", PLAIN)
    await store.apply("abc13", Read(None, None, "key"))
    await store.apply("abc14", PLAIN)
    await store.apply("abc14", Read())
    with engine.client as client:
        lives = {name: client.pttl(f"crypt:{name}") / 1_000 for name in ("abc12", "sealed", "abc13", "abc14")}
    expected = {"abc12": 60, "sealed": DAY, "abc13": LEASE_SECONDS, "abc14": 60}
    assert lives == pytest.approx(expected, abs=20)


async def test_what_is_destroyed_is_not_in_the_engine(engine: Engine, store: ValkeyStore) -> None:
    await store.apply("abc12", Create("unmistakable", DAY))
    await store.apply("sealed", Create("unmistakable", DAY, AccessHashes("proof"), 1, "request"))
    with engine.client as client:
        assert sum(b"unmistakable" in client.get(key) for key in client.keys("crypt:*[0-9a-z]") if b"!" not in key) == 2
        await store.apply("abc12", Read())
        await store.apply("sealed", Read("proof"))
        values = [client.get(key) for key in client.keys("crypt:*") if client.type(key) == b"string"]
    assert not any(b"unmistakable" in value for value in values)


async def test_the_append_only_file_keeps_destroyed_text_until_it_is_rewritten(
    engine: Engine, store: ValkeyStore, tmp_path: Path
) -> None:
    def is_in_a_file() -> bool:
        return any(b"unmistakable" in path.read_bytes() for path in tmp_path.rglob("*.aof"))

    await store.apply("abc12", Create("unmistakable", DAY))
    await store.apply("abc12", Read())
    assert is_in_a_file()
    with engine.client as client:
        client.bgrewriteaof()
        await until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "the rewrite does not end")
    await until(lambda: not is_in_a_file(), "the text is still there")


async def test_the_content_of_a_sealed_message_goes_with_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever server looks first: the one that gave the lease may be gone."""
    monkeypatch.setattr(lease_sweep, "INTERVAL", 0.02)
    clock = Clock()
    url = f"{shared_engine().url}?prefix={(prefix := new_prefix())}"
    first = ValkeyStore(parse_url(url), clock=clock)
    assert isinstance(await first.apply("sealed", SEALED), Created)
    assert await first.apply("sealed", Read("proof", None, "key")) == Granted("sealed")
    first.close()
    second = ValkeyStore(parse_url(url), clock=clock)
    client = shared_engine().client
    await second.apply("unknown", Read())
    clock.now += LEASE_SECONDS - 1
    await asyncio.sleep(0.2)
    assert b'"sealed"' in (client.get(f"{prefix}sealed") or b"")
    clock.now += 1
    await until(lambda: b'"sealed"' not in (client.get(f"{prefix}sealed") or b""), "the content stays")
    receipt = await second.apply("sealed", GetReceipt("proof"))
    assert isinstance(receipt, Receipt)
    assert receipt.state == "read"
    await until(lambda: not client.exists(f"{prefix}!lease-ends"), "the lease is not forgotten")
    second.close()


async def test_the_sweep_goes_on_when_the_engine_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_sweep, "INTERVAL", 0.01)
    clock = Clock()
    prefix = new_prefix()
    with Proxy(shared_engine().port) as proxy:
        store = ValkeyStore(parse_url(f"{proxy.url}?prefix={prefix}"), clock=clock)
        await store.apply("sealed", SEALED)
        await store.apply("sealed", Read("proof", None, "key"))
        for _ in range(20):
            proxy.reset()
            await asyncio.sleep(0.02)
        clock.now += LEASE_SECONDS
        client = shared_engine().client
        await until(lambda: b'"sealed"' not in (client.get(f"{prefix}sealed") or b""), "the content stays")
        store.close()
