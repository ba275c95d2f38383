"""Every store, opened the same way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.events import OnEvent, ignore
from crypt_core.store import Store
from crypt_worker.durable_store import DurableStore
from crypt_worker.kv_store import KvStore
from crypt_worker.shards import Shards
from tests.support.cloudflare import KvNamespace, ShardNamespace, payloads
from tests.support.isolation import PROCESSES_AND_CONNECTIONS, allow
from tests.support.valkey import new_prefix, shared_engine, without_ifeq


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def memory(_: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    yield MemoryStore(clock, on_event)


@contextmanager
def sqlite(folder: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    store = SqliteStore(folder / "messages.db", clock=clock, on_event=on_event)
    yield store
    store.close()


@contextmanager
def kv(_: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    namespace = KvNamespace(clock)
    shards = ShardNamespace(namespace, clock, on_event)
    yield KvStore(payloads(namespace), Shards(shards))
    shards.close()


@contextmanager
def durable(_: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    shards = ShardNamespace(None, clock, on_event)
    yield DurableStore(Shards(shards))
    shards.close()


def _options() -> str:
    """A prefix that no other test has, and a deadline that a busy machine does not use up."""
    return f"?prefix={new_prefix()}&deadline=20"


@contextmanager
def valkey(_: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    with allow(PROCESSES_AND_CONNECTIONS):
        store = ValkeyStore(parse_url(f"{shared_engine().url}{_options()}"), clock=clock, on_event=on_event)
        yield store
        store.close()


@contextmanager
def valkey_by_script(_: Path, clock: Callable[[], float], on_event: OnEvent = ignore) -> Iterator[Store]:
    with allow(PROCESSES_AND_CONNECTIONS), without_ifeq(shared_engine()) as proxy:
        store = ValkeyStore(parse_url(f"{proxy.url}{_options()}"), clock=clock, on_event=on_event)
        yield store
        store.close()


STORES = {
    "memory": memory,
    "sqlite": sqlite,
    "kv": kv,
    "durable": durable,
    "valkey": valkey,
    "valkey_by_script": valkey_by_script,
}
