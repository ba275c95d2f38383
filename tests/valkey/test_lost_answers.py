"""An answer of the engine is lost: nobody is told what is not so, and nothing is read twice or lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from crypt_api.server.stores.valkey import take_back
from crypt_api.server.stores.valkey.keys import Written
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.stored_value import changed, rewritten
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Acknowledge, Command, Create, Destroy, GetReceipt, Read
from crypt_core.outcomes import (
    Acknowledged,
    Created,
    Destroyed,
    Granted,
    Missing,
    Outcome,
    Receipt,
    Repeated,
    WrongPassphrase,
)
from crypt_core.record import AccessHashes, Record
from crypt_core.store import StorageUnavailable
from tests.support.valkey import Filter, Proxy, new_prefix, recovered, shared_engine, until

DAY = 86_400  # seconds
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")
LOCKED = Create("sealed", DAY, AccessHashes("proof", "passphrase"), 1, "request")
TWICE = Create("sealed", DAY, AccessHashes("proof"), 2, "request")


class LosesOneAnswer:
    """Resets the connection of one write after some bytes of its answer."""

    def __init__(self) -> None:
        self.after: int | None = None
        self.lost = 0

    def __call__(self) -> tuple[Filter, Filter]:
        is_chosen = False

        def requests(piece: bytes) -> bytes:
            nonlocal is_chosen
            is_chosen |= self.after is not None and b"WAITAOF" in piece
            return piece

        def answers(piece: bytes) -> bytes | None:
            if not is_chosen or self.after is None:
                return piece
            if len(piece) <= self.after:
                self.after -= len(piece)
                return piece
            self.after = None
            self.lost += 1
            return None

        return requests, answers


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(shared_engine().port) as proxy:
        yield proxy


@pytest.fixture
def prefix() -> str:
    return new_prefix()


@pytest.fixture
async def store(proxy: Proxy, prefix: str) -> AsyncIterator[ValkeyStore]:
    store = ValkeyStore(parse_url(f"{proxy.url}?prefix={prefix}&deadline=20"))
    yield store
    store.close()


@pytest.fixture
async def hasty(proxy: Proxy, prefix: str) -> AsyncIterator[ValkeyStore]:
    """A store whose deadline is over soon."""
    store = ValkeyStore(parse_url(f"{proxy.url}?prefix={prefix}&deadline=0.5"))
    yield store
    store.close()


def is_created(outcome: Outcome) -> bool:
    return isinstance(outcome, Created)


Check = Callable[[Outcome], bool]

CASES: dict[str, tuple[list[Command], Command, Check, Command, Check]] = {
    "create": ([], PLAIN, is_created, Read(), lambda outcome: outcome == Granted("plain")),
    "put": ([], SEALED, is_created, SEALED, lambda outcome: isinstance(outcome, Repeated)),
    "put again": (
        [SEALED],
        SEALED,
        lambda outcome: isinstance(outcome, Repeated),
        Read("proof"),
        lambda o: o == Granted("sealed"),
    ),
    "read": ([PLAIN], Read(), lambda outcome: outcome == Granted("plain"), Read(), lambda o: o == Missing()),
    "read sealed": ([SEALED], Read("proof"), lambda o: o == Granted("sealed"), Read("proof"), lambda o: o == Missing()),
    "first of two reads": (
        [TWICE],
        Read("proof"),
        lambda o: o == Granted("sealed"),
        Read("proof"),
        lambda o: o == Granted("sealed"),
    ),
    "lease": (
        [SEALED],
        Read("proof", None, "key"),
        lambda o: o == Granted("sealed"),
        Read("proof"),
        lambda o: o == Missing(),
    ),
    "lease again": (
        [PLAIN, Read(None, None, "key")],
        Read(None, None, "key"),
        lambda outcome: outcome == Granted("plain"),
        Read(),
        lambda outcome: outcome == Missing(),
    ),
    "acknowledge": (
        [SEALED, Read("proof", None, "key")],
        Acknowledge("proof", "key"),
        lambda outcome: outcome == Acknowledged(),
        Read("proof", None, "key"),
        lambda outcome: outcome == Missing(),
    ),
    "destroy": ([PLAIN], Destroy(), lambda o: o == Destroyed(), Read(), lambda o: o == Missing()),
    "wrong passphrase": (
        [LOCKED],
        Read("proof", "wrong"),
        lambda outcome: outcome == WrongPassphrase(9),
        Read("proof", "wrong"),
        lambda outcome: outcome == WrongPassphrase(8),
    ),
    "receipt": (
        [SEALED, Read("proof")],
        GetReceipt("proof"),
        lambda outcome: isinstance(outcome, Receipt) and outcome.state == "read",
        Read("proof"),
        lambda outcome: outcome == Missing(),
    ),
}


@pytest.mark.parametrize(
    "after", [0, 20, 34, 36, 38, 44]
)  # bytes: before, in and after the replies to TIME, SET and WAITAOF
@pytest.mark.parametrize("case", CASES)
async def test_a_lost_answer_is_found_out(proxy: Proxy, store: ValkeyStore, case: str, after: int) -> None:
    before, command, is_right, next_command, is_next_right = CASES[case]
    faults = LosesOneAnswer()
    proxy.faults = faults
    for earlier in before:
        await store.apply("abc12", earlier)
    faults.after = after
    outcome = await store.apply("abc12", command)
    assert is_right(outcome), outcome
    assert faults.lost == 1
    outcome = await store.apply("abc12", next_command)
    assert is_next_right(outcome), outcome


async def test_requests_that_never_reached_the_engine_are_sent_again(proxy: Proxy, store: ValkeyStore) -> None:
    await store.apply("abc12", PLAIN)
    proxy.reset()
    assert await store.apply("abc12", Read()) == Granted("plain")


async def test_of_32_readers_one_gets_it_while_answers_are_lost(proxy: Proxy, store: ValkeyStore) -> None:
    faults = LosesOneAnswer()
    proxy.faults = faults
    for number in range(6):
        await store.apply(f"abc{number}", PLAIN)
        faults.after = 7 * number
        outcomes = await asyncio.gather(*(store.apply(f"abc{number}", Read()) for _ in range(32)))
        assert outcomes.count(Granted("plain")) == 1
        assert outcomes.count(Missing()) == 31
    assert faults.lost == 6


class Hole:
    """Lets writes of messages through to the engine, and then nothing more, in either direction."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.is_open = False

    def __call__(self) -> tuple[Filter, Filter]:
        is_lost = False

        def requests(piece: bytes) -> bytes | None:
            nonlocal is_lost
            is_lost |= self.is_open and b"abc12" in piece and b"WAITAOF" in piece
            return piece

        def answers(piece: bytes) -> bytes | None:
            self._proxy.is_cut |= is_lost
            return piece

        return requests, answers

    def close(self) -> None:
        """The link is there again, and the old connections are not."""
        self.is_open = False
        self._proxy.is_cut = False
        self._proxy.reset()


CHANGES: dict[str, tuple[list[Command], Command, Command, Check]] = {
    "create": ([], SEALED, GetReceipt("proof"), lambda outcome: outcome == Missing()),
    "read": ([PLAIN], Read(), Read(), lambda outcome: outcome == Granted("plain")),
    "read sealed": ([SEALED], Read("proof"), Read("proof"), lambda outcome: outcome == Granted("sealed")),
    "lease": ([PLAIN], Read(None, None, "key"), Read(), lambda outcome: outcome == Granted("plain")),
    "destroy": ([PLAIN], Destroy(), Read(), lambda outcome: outcome == Granted("plain")),
    "wrong passphrase": (
        [LOCKED],
        Read("proof", "wrong"),
        Read("proof", "wrong"),
        lambda outcome: outcome == WrongPassphrase(9),
    ),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_503_means_that_nothing_happened(proxy: Proxy, hasty: ValkeyStore, prefix: str, case: str) -> None:
    """The engine executes the command, and nothing is heard of it until the deadline is over."""
    before, command, next_command, is_right = CHANGES[case]
    proxy.faults = hole = Hole(proxy)
    for earlier in before:
        await recovered(hasty, "abc12", earlier)
    stored = shared_engine().client.get(f"{prefix}abc12")
    hole.is_open = True
    with pytest.raises(StorageUnavailable):
        await hasty.apply("abc12", command)
    assert shared_engine().client.get(f"{prefix}abc12") != stored
    hole.close()
    outcome = await recovered(hasty, "abc12", next_command)
    assert is_right(outcome), outcome


async def test_who_leaves_half_way_has_read_nothing(proxy: Proxy, store: ValkeyStore, prefix: str) -> None:
    await store.apply("abc12", PLAIN)
    stored = shared_engine().client.get(f"{prefix}abc12")
    proxy.faults = hole = Hole(proxy)
    proxy.reset()
    await store.apply("abc13", Read())
    hole.is_open = True
    reading = asyncio.ensure_future(store.apply("abc12", Read()))
    await until(lambda: shared_engine().client.get(f"{prefix}abc12") != stored, "the read is not executed")
    reading.cancel()
    hole.close()
    assert await store.apply("abc12", Read()) == Granted("plain")


async def test_a_claim_is_found_under_what_others_have_changed_since(proxy: Proxy, prefix: str) -> None:
    """The answer to the first of two reads is lost, and the second one is answered before the first one looks again."""
    store = ValkeyStore(parse_url(f"{proxy.url}?prefix={prefix}&deadline=10"))
    other = ValkeyStore(parse_url(f"{shared_engine().url}?prefix={prefix}"))
    proxy.faults = hole = Hole(proxy)
    await store.apply("abc12", TWICE)
    stored = shared_engine().client.get(f"{prefix}abc12")
    hole.is_open = True
    first = asyncio.ensure_future(store.apply("abc12", Read("proof")))
    await until(lambda: shared_engine().client.get(f"{prefix}abc12") != stored, "the read is not executed")
    assert await other.apply("abc12", Read("proof")) == Granted("sealed")
    assert await other.apply("abc12", Read("proof")) == Missing()
    hole.close()
    assert await first == Granted("sealed")
    store.close()
    other.close()


async def test_what_somebody_has_built_on_is_not_taken_back(proxy: Proxy, hasty: ValkeyStore, prefix: str) -> None:
    """Another server has told a reader that the message is gone, so it is."""
    other = ValkeyStore(parse_url(f"{shared_engine().url}?prefix={prefix}"))
    proxy.faults = hole = Hole(proxy)
    await recovered(hasty, "abc12", PLAIN)
    hole.is_open = True
    with pytest.raises(StorageUnavailable):
        await hasty.apply("abc12", Read())
    assert await other.apply("abc12", Read()) == Missing()
    hole.close()
    assert await recovered(hasty, "abc12", Read()) == Missing()
    assert await other.apply("abc12", Read()) == Missing()
    other.close()


async def test_what_has_just_been_taken_back_lets_the_event_loop_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def take_back_at_once(*_: object) -> None:
        """It needs no turn of the event loop but its first."""

    take_backs = take_back.TakeBacks(cast("Any", None), 1)
    monkeypatch.setattr(take_back, "take_back", take_back_at_once)
    take_backs.take_back(SimpleNamespace(key=b"key", uncertain=[]))  # type: ignore[arg-type]
    waiting = asyncio.ensure_future(take_backs.wait(b"key"))
    await asyncio.sleep(0)  # the task has ended, and nobody has been told
    with pytest.raises(StopIteration):
        take_backs.wait(b"key").send(None)
    await waiting


async def test_a_fence_of_a_take_back_confirms_nothing_to_others(store: ValkeyStore) -> None:
    """It may have written back a change that another server is about to take back, as seed 804 of a simulation did."""
    keys = store.live.keys
    key, began = keys.key("abc12"), asyncio.get_running_loop().time()
    told = changed(None, Record("content", time.time() + DAY))
    assert await keys.write(key, None, told, now=time.time()) is Written.DONE
    assert keys.is_safe(key, told, began)
    written_back = rewritten(told)
    assert await keys.write(key, told, written_back, now=time.time()) is Written.DONE
    assert not keys.is_safe(key, written_back, began)
