"""Guess protection: a budget of misses for each client, and ids that grow with the number of messages."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.stores.memory import MemoryStore
from crypt_core import ids
from crypt_core.commands import Acknowledge, Command, Create, Read
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.limits.client_limits import OwnLimits, open_limits
from crypt_core.limits.guesses import Uncounted, is_guess
from crypt_core.limits.hourly_budgets import Exhausted, HourlyBudgets, Taken
from crypt_core.limits.rate_limiter import SlidingWindow
from crypt_core.outcomes import Granted, Outcome
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from crypt_core.store import StorageUnavailable
from docs import guessing
from tests.support.platforms import ROOT

DAY = 86_400  # seconds
SEALED_ID = "A" * 22
PROOF = "A" * 43
CLIENT = "192.0.2.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_budget_fills_up_evenly_over_an_hour() -> None:
    clock = Clock()
    budgets = HourlyBudgets(60, clock=clock)
    assert [budgets.take(CLIENT) for _ in range(61)] == [Taken()] * 60 + [Exhausted(60.0)]
    clock.now += 45
    assert budgets.take(CLIENT) == Exhausted(15.0)
    clock.now += 15
    assert [budgets.take(CLIENT) for _ in range(2)] == [Taken(), Exhausted(60.0)]
    clock.now += 86_400
    assert [budgets.take(CLIENT) for _ in range(61)] == [Taken()] * 60 + [Exhausted(60.0)]


@pytest.mark.parametrize("per_hour", [7, 23, 60, 200])
def test_a_budget_is_whole_by_a_clock_that_counts_from_1970(per_hour: int) -> None:
    clock = Clock()
    clock.now = 1_800_000_000.1
    budgets = HourlyBudgets(per_hour, clock=clock)
    *taken, last = [budgets.take(CLIENT) for _ in range(per_hour + 1)]
    assert taken == [Taken()] * per_hour
    assert isinstance(last, Exhausted)


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.sampled_from(["miss", "hit"]), st.floats(0, 900)), max_size=150),
)
def test_a_budget_is_a_bucket_of_tokens(per_hour: int, steps: list[tuple[str, float]]) -> None:
    """Compared with a bucket that counts its tokens."""
    clock = Clock()
    budgets = HourlyBudgets(per_hour, clock=clock)
    tokens = float(per_hour)
    for step, pause in steps:
        clock.now += pause
        tokens = min(per_hour, tokens + pause * per_hour / 3_600)
        miss = budgets.take(CLIENT)
        if tokens >= 1 + 1e-6:
            assert miss == Taken()
        if isinstance(miss, Exhausted):
            assert miss.wait == pytest.approx((1 - tokens) * 3_600 / per_hour, abs=1e-5)
            continue
        tokens -= 1
        if step == "hit":
            budgets.give_back(CLIENT)
            tokens = min(per_hour, tokens + 1)


def test_all_addresses_of_a_network_have_one_budget() -> None:
    budgets = HourlyBudgets(2, clock=Clock())
    assert [budgets.take(f"2001:db8:1:2:{host}::1") == Taken() for host in range(3)] == [True, True, False]
    assert budgets.take("2001:db8:1:3::1") == Taken()


def test_a_network_has_sixteen_times_as_many_as_a_client() -> None:
    clock = Clock()
    budgets = HourlyBudgets(2, clock=clock)
    misses = [budgets.take(f"2001:db8:1:{subnet:x}::1") for subnet in range(33)]
    assert misses == [Taken()] * 32 + [Exhausted(3_600 / 32)]
    assert budgets.take("2001:db8:2::1") == Taken()
    budgets.give_back("2001:db8:1:5::1")
    assert budgets.take("2001:db8:1:33::1") == Taken()
    clock.now += 3_600
    assert budgets.take("2001:db8:1:1::1") == Taken()


def test_memory_is_bounded_and_a_guessing_client_is_not_forgotten() -> None:
    budgets = HourlyBudgets(3, max_buckets=1_000, clock=Clock())
    misses = 0
    for number in range(10_000):
        budgets.take(f"10.0.{number >> 8}.{number & 255}")
        if number % 100 == 0:
            misses += budgets.take(CLIENT) == Taken()
    assert misses == 3
    assert budgets.buckets <= 1_000


def test_a_client_whose_budget_is_full_again_is_forgotten() -> None:
    clock = Clock()
    budgets = HourlyBudgets(60, clock=clock)  # a minute for a miss
    for number in range(10_000):
        budgets.take(f"10.0.{number >> 8}.{number & 255}")
        assert budgets.buckets <= 601
        clock.now += 0.1


def test_nothing_can_be_taken() -> None:
    budgets = HourlyBudgets(60, clock=Clock())
    assert budgets.take("a", 0) == Taken()
    assert budgets.buckets == 0


def test_a_client_that_misses_nothing_is_not_remembered() -> None:
    budgets = HourlyBudgets(60, clock=Clock())
    budgets.take(CLIENT)
    assert budgets.buckets == 1
    budgets.give_back(CLIENT)
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


async def no_body() -> AsyncIterator[bytes]:
    return
    yield


class Service:
    """An application whose clients have few misses."""

    def __init__(self, misses: int) -> None:
        self.store = CountingStore()
        limits = OwnLimits(SlidingWindow(1_000), HourlyBudgets(misses, clock=Clock()))
        self._app = App(Settings(), limits)

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Response:
        return await self._app.handle(Request("http", method, path, headers or {}, CLIENT, no_body()), self.store)

    async def statuses(self, count: int, method: str, path: str, headers: dict[str, str] | None = None) -> list[int]:
        return [(await self.ask(method, path, headers)).status for _ in range(count)]

    async def keep(self, message_id: str) -> None:
        await self.store.apply(message_id, Create("secret", DAY))
        self.store.looks -= 1


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("DELETE", {}), ("DELETE", {"idempotency-key": "key"})], ids=str
)
async def test_beyond_the_budget_nobody_looks(method: str, headers: dict[str, str]) -> None:
    service = Service(3)
    await service.keep("abc12")
    assert await service.statuses(3, method, "/zzzzz", headers) == [404] * 3
    refused = await service.ask(method, "/abc12", headers)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1200")
    assert service.store.looks == 3
    assert await service.store.apply("abc12", Read()) == Granted("secret")


async def test_guesses_at_the_same_moment_get_no_further() -> None:
    service = Service(3)
    answers = await asyncio.gather(*(service.ask("GET", f"/abc{n:02}") for n in range(50)))
    assert [answer.status for answer in answers] == [404] * 3 + [429] * 47
    assert service.store.looks == 3


async def test_probing_a_message_that_waits_costs_as_much_as_probing_none() -> None:
    """An acknowledgement destroys nothing: without a cost, a client could measure its time as often as it likes."""
    probe = ("DELETE", "/abc12", {"idempotency-key": "key"})
    for is_there in (True, False):
        service = Service(3)
        if is_there:
            await service.keep("abc12")
        assert await service.statuses(5, *probe) == [404] * 3 + [429] * 2
        assert service.store.looks == 3


def test_every_command_for_an_id_of_the_clients_choice_is_a_guess() -> None:
    commands = [command for command in get_args(Command) if command is not Create]
    assert Acknowledge in commands
    for command in commands:
        assert is_guess("abc12", command(*("x" for _ in fields(command)))), command


async def test_what_is_found_costs_nothing() -> None:
    service = Service(1)
    for method, status in (("GET", 200), ("DELETE", 204)) * 5:
        await service.keep("abc12")
        assert (await service.ask(method, "/abc12")).status == status
        await service.keep("abc12")
        assert (await service.ask("GET", "/abc12", {"idempotency-key": "key"})).status == 200
        assert (await service.ask("DELETE", "/abc12", {"idempotency-key": "key"})).status == 204
    assert await service.statuses(2, "GET", "/abc12") == [404, 429]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", f"/{SEALED_ID}", {"authorization": f"Bearer {PROOF}"}, 404),
        ("DELETE", f"/{SEALED_ID}", {"authorization": f"Bearer {PROOF}"}, 404),
        ("GET", f"/{SEALED_ID}/status", {"authorization": f"Bearer {PROOF}"}, 404),
        ("GET", "/zzzzz/status", {}, 404),
        ("GET", "/zzzzz", {"sec-fetch-mode": "navigate"}, 200),  # the page with the button
        ("GET", "/zzzzz", {"sec-purpose": "prefetch"}, 403),
        ("GET", "/-/ready", {}, 200),
    ],
)
async def test_what_is_no_guess_costs_nothing(method: str, path: str, headers: dict[str, str], status: int) -> None:
    service = Service(1)
    assert await service.statuses(5, method, path, headers) == [status] * 5
    assert await service.statuses(2, "GET", "/zzzzz") == [404, 429]
    assert await service.statuses(5, method, path, headers) == [status] * 5


async def test_a_store_that_is_down_costs_nothing() -> None:
    service = Service(1)
    service.store.failing = True
    assert await service.statuses(5, "GET", "/zzzzz") == [503] * 5
    service.store.failing = False
    assert await service.statuses(2, "GET", "/zzzzz") == [404, 429]


async def test_a_guess_that_is_given_up_costs_a_miss() -> None:
    """It may have destroyed a message."""
    service = Service(1)
    await service.keep("abc12")
    guess = asyncio.ensure_future(service.ask("DELETE", "/abc12"))
    await asyncio.sleep(0)
    guess.cancel()
    await asyncio.gather(guess, return_exceptions=True)
    assert service.store.looks == 1
    assert (await service.ask("GET", "/zzzzz")).status == 429


async def test_two_settings_switch_it_off() -> None:
    assert open_limits(Settings(rate_limit_per_second=0)) is None
    for misses, expected in ((0, Uncounted()), (60, Taken())):
        limits = open_limits(Settings(misses_per_hour=misses))
        assert limits is not None
        _, miss = await limits.admit(CLIENT, may_miss=True)
        assert miss == expected


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


def test_the_security_page_has_the_same_figures() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    guesses = {length: (36**length + 1) / 1_001 for length in (5, ids.length_for(1_000))}
    for text, length, addresses, protected in (
        ("would need about {}", 5, 1, False),
        ("(`MISSES_PER_HOUR`) it needs {}", 5, 1, True),
        ("A thousand addresses need {}", 5, 1_000, True),
        ("those thousand need {}", ids.length_for(1_000), 1_000, True),
    ):
        seconds = guessing.search_seconds(guesses[length], addresses, protected=protected)
        assert text.format(guessing.duration(seconds)) in page


def test_the_table_computes_what_the_budget_does() -> None:
    assert guessing.search_seconds(36**5, 1, protected=False) == 36**5 / 3
    assert guessing.search_seconds(60, 1, protected=True) == 20  # at once, but 3 a second
    assert guessing.search_seconds(3_660, 1, protected=True) == 60 * 3_600
    assert guessing.search_seconds(3_660_000, 1_000, protected=True) == 60 * 3_600
