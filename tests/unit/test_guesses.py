"""Guess protection: a budget of misses for each client, and ids that grow with the number of messages."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.stores.memory import MemoryStore
from crypt_core import ids
from crypt_core.errors import NoMissLeft, SettingsError, StorageUnavailable
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.limits.guesses import GuardedStore, MissBudgets, open_guesses
from crypt_core.messages import (
    Acknowledge,
    Command,
    Create,
    Destroy,
    Destroyed,
    GetReceipt,
    Granted,
    Missing,
    Outcome,
    Read,
)
from crypt_core.settings import Settings
from docs import guessing
from tests.support.platforms import ROOT

DAY = 86_400  # seconds
SEALED_ID = "A" * 22
CLIENT = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_budget_fills_up_evenly_over_an_hour() -> None:
    clock = Clock()
    budgets = MissBudgets(60, clock=clock)
    assert [await budgets.spend(CLIENT) for _ in range(61)] == [0.0] * 60 + [60.0]
    clock.now += 45
    assert await budgets.spend(CLIENT) == 15.0
    clock.now += 15
    assert [await budgets.spend(CLIENT) for _ in range(2)] == [0.0, 60.0]
    clock.now += 86_400
    assert [await budgets.spend(CLIENT) for _ in range(61)] == [0.0] * 60 + [60.0]


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.sampled_from(["spend", "miss", "hit"]), st.floats(0, 900)), max_size=150),
)
async def test_a_budget_is_a_bucket_of_tokens(per_hour: int, steps: list[tuple[str, float]]) -> None:
    """Compared with a bucket that counts its tokens."""
    clock = Clock()
    budgets = MissBudgets(per_hour, clock=clock)
    tokens = float(per_hour)
    for step, pause in steps:
        clock.now += pause
        tokens = min(per_hour, tokens + pause * per_hour / 3_600)
        wait = await budgets.spend(CLIENT)
        if tokens >= 1 + 1e-6:
            assert wait == 0
        if wait:
            assert wait == pytest.approx((1 - tokens) * 3_600 / per_hour, abs=1e-5)
            continue
        tokens -= 1
        if step == "hit":
            await budgets.refund(CLIENT)
            tokens = min(per_hour, tokens + 1)


async def test_all_addresses_of_a_network_have_one_budget() -> None:
    budgets = MissBudgets(2, clock=Clock())
    assert [await budgets.spend(f"2001:db8:1:2:{host}::1") > 0 for host in range(3)] == [False, False, True]
    assert await budgets.spend("2001:db8:1:3::1") == 0


async def test_a_network_has_sixteen_times_as_many_as_a_client() -> None:
    clock = Clock()
    budgets = MissBudgets(2, clock=clock)
    waits = [await budgets.spend(f"2001:db8:1:{subnet:x}::1") for subnet in range(33)]
    assert waits == [0.0] * 32 + [3_600 / 32]
    assert await budgets.spend("2001:db8:2::1") == 0
    await budgets.refund("2001:db8:1:5::1")
    assert await budgets.spend("2001:db8:1:33::1") == 0
    clock.now += 3_600
    assert await budgets.spend("2001:db8:1:1::1") == 0


async def test_memory_is_bounded_and_a_guessing_client_is_not_forgotten() -> None:
    budgets = MissBudgets(3, max_buckets=1_000, clock=Clock())
    misses = 0
    for number in range(10_000):
        await budgets.spend(f"10.0.{number >> 8}.{number & 255}")
        if number % 100 == 0:
            misses += await budgets.spend(CLIENT) == 0
    assert misses == 3
    assert budgets.buckets <= 1_000


async def test_a_client_that_misses_nothing_is_not_remembered() -> None:
    budgets = MissBudgets(60, clock=Clock())
    await budgets.spend(CLIENT)
    assert budgets.buckets == 1
    await budgets.refund(CLIENT)
    assert budgets.buckets == 0


class CountingStore(MemoryStore):
    """Counts the looks, and lets other requests come in between."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.failing = False

    async def apply(self, message_id: str, command: Command) -> Outcome:
        self.looks += 1
        await asyncio.sleep(0)
        if self.failing:
            raise StorageUnavailable("it is down")
        return await super().apply(message_id, command)


def guarded(store: CountingStore, misses: int) -> GuardedStore:
    return GuardedStore(store, MissBudgets(misses, clock=Clock()), CLIENT)


@pytest.mark.parametrize("command", [Read(), Destroy()])
async def test_beyond_the_budget_nobody_looks(command: Command) -> None:
    store = CountingStore()
    await store.apply("abc12", Create("secret", DAY))
    store.looks = 0
    reader = guarded(store, 3)
    for _ in range(3):
        assert await reader.apply("zzzzz", command) == Missing()
    with pytest.raises(NoMissLeft) as refused:
        await reader.apply("abc12", command)
    assert refused.value.wait == 1_200
    assert store.looks == 3
    assert await store.apply("abc12", Read()) == Granted("secret")


async def test_guesses_at_the_same_moment_get_no_further() -> None:
    store = CountingStore()
    reader = guarded(store, 3)
    outcomes = await asyncio.gather(*(reader.apply(f"abc{n:02}", Read()) for n in range(50)), return_exceptions=True)
    assert [isinstance(outcome, NoMissLeft) for outcome in outcomes] == [False] * 3 + [True] * 47
    assert store.looks == 3


async def test_what_is_found_costs_nothing() -> None:
    store = CountingStore()
    reader = guarded(store, 1)
    commands: list[tuple[Command, Outcome]] = [(Read(), Granted("secret")), (Destroy(), Destroyed())]
    for command, outcome in commands * 5:
        await reader.apply("abc12", Create("secret", DAY))
        assert await reader.apply("abc12", command) == outcome
    assert await reader.apply("abc12", Read()) == Missing()
    with pytest.raises(NoMissLeft):
        await reader.apply("abc12", Read())


@pytest.mark.parametrize(
    ("message_id", "command"),
    [
        (SEALED_ID, Read("proof")),
        (SEALED_ID, Destroy("proof")),
        (SEALED_ID, GetReceipt("proof")),
        ("zzzzz", Acknowledge(None, "key")),
        ("-", Read()),  # the readiness probe
    ],
)
async def test_what_is_no_guess_costs_nothing(message_id: str, command: Command) -> None:
    reader = guarded(CountingStore(), 1)
    for _ in range(5):
        assert await reader.apply(message_id, command) == Missing()


async def test_a_store_that_is_down_costs_nothing() -> None:
    store = CountingStore()
    reader = guarded(store, 1)
    store.failing = True
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await reader.apply("zzzzz", Read())
    store.failing = False
    assert await reader.apply("zzzzz", Read()) == Missing()


@pytest.mark.parametrize("off", [{"misses_per_hour": 0}, {"rate_limit_per_second": 0}])
def test_two_settings_switch_it_off(off: dict[str, int]) -> None:
    assert open_guesses(Settings(**off)) is None
    assert open_guesses(Settings()) is not None


@pytest.mark.parametrize("messages", [0, 1, 2, 3, 1_000, 10**6, 10**9])
def test_an_id_is_as_long_as_the_number_of_messages_demands(messages: int) -> None:
    length = ids.length_for(messages)
    demanded = messages * 86_400 * 3 * 100
    assert 36**length >= demanded
    assert length == 5 or 36 ** (length - 1) < demanded


def test_no_id_is_longer_than_ids_can_be() -> None:
    assert ids.length_for(10**40) == ids.MAX_LENGTH


async def test_auto_makes_ids_longer_with_the_number_of_messages() -> None:
    store = MemoryStore()
    app = App(Settings(id_length="auto"), messages=lambda: store.usage.messages)

    async def body() -> AsyncIterator[bytes]:
        yield b'{"message": "x"}'

    lengths = []
    for _ in range(90):
        response = await app.handle(Request("http", "POST", "/", {}, CLIENT, body()), store)
        lengths.append(len(json.loads(response.body)["id"]))
    assert lengths == [ids.length_for(count) for count in range(1, 91)]
    assert set(lengths) == {5, 6, 7}


def test_auto_is_refused_where_nobody_counts() -> None:
    """In the Worker, that is."""
    with pytest.raises(SettingsError, match="ID_LENGTH"):
        App(Settings(id_length="auto"))


def test_auto_is_a_value_of_one_setting() -> None:
    assert Settings.from_mapping({"ID_LENGTH": "auto"}).id_length == "auto"
    assert Settings.from_mapping({"ID_LENGTH": "8"}).id_length == 8
    for values in ({"MISSES_PER_HOUR": "auto"}, {"ID_LENGTH": "automatic"}, {"ID_LENGTH": "4"}):
        with pytest.raises(SettingsError):
            Settings.from_mapping(values)


def test_the_page_about_guessing_has_the_computed_tables() -> None:
    page = (ROOT / "docs/guessing.md").read_text()
    for table in (guessing.sweep_table(), guessing.sweep_table(1_000), guessing.length_table()):
        assert f"\n\n{table}\n" in page


def test_the_table_computes_what_the_budget_does() -> None:
    assert guessing.search_seconds(36**5, 1, protected=False) == 36**5 / 3
    assert guessing.search_seconds(60, 1, protected=True) == 20  # at once, but 3 a second
    assert guessing.search_seconds(3_660, 1, protected=True) == 60 * 3_600
    assert guessing.search_seconds(3_660_000, 1_000, protected=True) == 60 * 3_600
