"""The engine refuses a command that the server needs: its user is not allowed it, or it is busy."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crypt_api.server.stores import open_store
from crypt_api.server.stores.reporting import NoObserver
from crypt_api.server.stores.valkey import memory_watch
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Create, GetReceipt, Read
from crypt_core.outcomes import Created, Granted, Receipt
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.valkey import Engine, recovered, restored, until

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")
USER = "somebody"


def allow(engine: Engine, *rules: str) -> str:
    """Make a user of the engine; return the URL with its name and password."""
    with engine.client as client:
        client.execute_command("ACL", "SETUSER", USER, "reset", "on", ">word", "~crypt:*", "+@all", *rules)
    return f"valkey://{USER}:word@127.0.0.1:{engine.port}?deadline=0.5"


@contextmanager
def opened(url: str) -> Iterator[ValkeyStore]:
    store = ValkeyStore(parse_url(url))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("-time", "the engine refuses TIME: NOPERM"),
        ("-eval", "the engine refuses GET and SET in a script: NOPERM"),
        ("-zadd", "the engine refuses ZADD in a script: ERR"),
        ("-@sortedset", "the engine refuses ZADD in a script: ERR"),
        ("-zrange", "the engine refuses ZRANGE: NOPERM"),
        ("-zrem", "the engine refuses ZREM: NOPERM"),
        ("-dbsize", "the engine refuses DBSIZE: NOPERM"),
        ("-select &db=1", "the engine refuses SELECT: NOPERM"),
        ("-cluster &cluster=1", "the engine refuses CLUSTER: NOPERM"),
        ("&sentinel=name", "the engine refuses SENTINEL: ERR"),
        ("-info", "INFO is refused"),
        ("-waitaof", "WAITAOF 1 0: NOPERM"),
    ],
)
def test_a_user_without_a_command_is_refused_at_the_start(engine: Engine, rule: str, reason: str) -> None:
    *rules, option = rule.split(" ") if "&" in rule else (rule, "")
    with pytest.raises(StorageUnavailable) as refused:
        open_store(allow(engine, *rules) + option, observer=NoObserver())
    assert reason in str(refused.value)
    assert USER not in str(refused.value)


async def test_a_read_whose_lease_cannot_be_remembered_is_taken_back(engine: Engine) -> None:
    """The read itself was executed, and its reader gets 503."""
    keys = ("resetkeys", "~crypt:abc*", "~crypt:!fence*")
    with opened(allow(engine, *keys)) as store:
        await recovered(store, "abc12", SEALED)
        with pytest.raises(StorageUnavailable, match="NOPERM"):
            await store.apply("abc12", Read("proof", None, "key"))
        await restored("abc12", store)
        receipt = await recovered(store, "abc12", GetReceipt("proof"))
        assert isinstance(receipt, Receipt)
        assert receipt.state == "unread"
        assert await recovered(store, "abc12", Read("proof")) == Granted("sealed")


async def test_after_an_engine_that_does_not_tell_the_time_everything_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is busy with a script: it refuses every command of a group, the first one too."""
    monkeypatch.setattr(memory_watch, "INTERVAL", 0.01)
    with opened(allow(engine)) as store, engine.client as client:
        await recovered(store, "abc12", PLAIN)
        client.execute_command("ACL", "SETUSER", USER, "-time")
        with pytest.raises(StorageUnavailable):
            await store.apply("abc13", PLAIN)
        client.execute_command("ACL", "SETUSER", USER, "+time")
        assert isinstance(await recovered(store, "abc14", PLAIN), Created)
        client.config_set("maxmemory", 100 << 20)
        await until(lambda: store.usage.max_bytes == 100 << 20, "nobody looks at the memory any more")
