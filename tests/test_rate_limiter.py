"""Three requests a second for each client, counted exactly, in bounded memory."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.stores.memory import MemoryStore
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.limits.addresses import client_group, client_groups
from crypt_core.limits.client_limits import OwnLimits
from crypt_core.limits.rate_limiter import NETWORK_FACTOR, Admission, SlidingWindow
from crypt_core.settings import Settings
from tests.support.platforms import Platform
from tests.support.rate import within_a_second


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def no_body() -> AsyncIterator[bytes]:
    return
    yield


def test_the_fourth_request_of_a_second_is_refused(platform: Platform) -> None:
    with platform.client("198.51.100.1") as client, platform.client("198.51.100.2") as other:
        answers = within_a_second(lambda: [client.get("/zzzzzz") for _ in range(4)])
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert answers[3].content == b'{"error": "Rate limit exceeded"}'
        assert answers[3].headers["retry-after"] == "1"
        assert other.get("/zzzzzz").status_code == 404


def test_a_refused_request_reads_nothing(platform: Platform) -> None:
    with platform.client("198.51.100.3") as client, platform.client() as other:

        def ask() -> tuple[str, list[int]]:
            message_id = str(other.post("/", json={"message": "secret"}).json()["id"])
            return message_id, [client.get(path).status_code for path in ["/zzzzzz"] * 3 + ["/" + message_id]]

        message_id, statuses = within_a_second(ask)
        assert statuses[3] == 429
        assert other.get("/" + message_id).json() == {"message": "secret"}


def test_help_and_preflight_are_never_limited(platform: Platform) -> None:
    with platform.client("198.51.100.4") as client:
        assert {client.options("/").status_code for _ in range(10)} == {204}
        assert {client.get("/").status_code for _ in range(10)} == {200}


def test_an_ipv6_client_is_its_network(platform: Platform) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(platform.client(f"2001:db8:1:2:{host}::1")) for host in range(4)]
        statuses = within_a_second(lambda: [client.get("/zzzzzz").status_code for client in clients])
    assert statuses == [404, 404, 404, 429]


async def test_the_window_slides() -> None:
    clock = Clock()
    limiter = SlidingWindow(2, clock=clock)
    assert await limiter.admit("a") == Admission(admitted=True, limit=2, window=1.0, remaining=1, reset=1.0)
    clock.now += 0.625
    assert await limiter.admit("a") == Admission(admitted=True, limit=2, window=1.0, remaining=0, reset=0.375)
    clock.now += 0.25
    assert await limiter.admit("a") == Admission(admitted=False, limit=2, window=1.0, remaining=0, reset=0.125)
    clock.now += 0.125  # the first one is a second old now, the second is not
    assert await limiter.admit("a") == Admission(admitted=True, limit=2, window=1.0, remaining=0, reset=0.625)
    assert not (await limiter.admit("a")).admitted


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 0.7)), max_size=200), st.integers(1, 5))
async def test_no_second_has_more_than_the_limit_and_nobody_below_it_is_refused(
    steps: list[tuple[str, float]], limit: int
) -> None:
    clock = Clock()
    limiter = SlidingWindow(limit, clock=clock)
    admitted: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for client, pause in steps:
        clock.now += pause
        recent = [time for time in admitted[client] if time > clock.now - 1]
        admission = await limiter.admit(client)
        assert admission.admitted == (len(recent) < limit)
        if admission.admitted:
            admitted[client].append(clock.now)
            recent.append(clock.now)
        assert admission.remaining == limit - len(recent)
        assert admission.reset == pytest.approx(recent[0] + 1 - clock.now)


async def test_an_ipv6_network_has_sixteen_times_the_limit_of_a_client() -> None:
    clock = Clock()
    limiter = SlidingWindow(3, clock=clock)
    for subnet in range(NETWORK_FACTOR):
        for _ in range(3):
            assert (await limiter.admit(f"2001:db8:48:{subnet:x}::1")).admitted
    for subnet in (0, 16, 0xFFFF):  # one that has asked, and two that have not
        refused = await limiter.admit(f"2001:db8:48:{subnet:x}::1")
        assert refused == Admission(
            admitted=False, limit=3 if subnet == 0 else 48, window=1.0, remaining=0, reset=1.0,
            policy="default" if subnet == 0 else "network",
        )  # fmt: skip
    for stranger in ("2001:db8:49::1", "2001:db8:47:ffff::1", "192.0.2.1", "::ffff:192.0.2.2"):
        assert (await limiter.admit(stranger)).admitted
    clock.now += 1
    assert (await limiter.admit("2001:db8:48:ffff::1")).admitted


async def test_the_tighter_limit_is_told() -> None:
    clock = Clock()
    limiter = SlidingWindow(3, clock=clock)
    first = await limiter.admit("2001:db8:48:1::1")
    assert first == Admission(admitted=True, limit=3, window=1.0, remaining=2, reset=1.0, policy="default")
    clock.now += 0.5
    for subnet in range(2, 48):
        assert (await limiter.admit(f"2001:db8:48:{subnet:x}::1")).remaining == min(2, 48 - subnet)
    last = await limiter.admit("2001:db8:48:1::1")  # 1 left for the client, 0 for the network; half a second old
    assert last == Admission(admitted=True, limit=48, window=1.0, remaining=0, reset=0.5, policy="network")
    assert not (await limiter.admit("2001:db8:48:30::1")).admitted
    clock.now += 0.5
    again = await limiter.admit("2001:db8:48:30::1")
    assert again == Admission(admitted=True, limit=48, window=1.0, remaining=0, reset=0.5, policy="network")


async def test_of_two_limits_that_are_used_up_the_one_that_lasts_longer_is_told() -> None:
    clock = Clock()
    limiter = SlidingWindow(1, clock=clock)
    for subnet in range(15):
        await limiter.admit(f"2001:db8:48:{subnet:x}::1")
    clock.now += 0.5
    last = await limiter.admit("2001:db8:48:f::1")
    assert last == Admission(admitted=True, limit=1, window=1.0, remaining=0, reset=1.0, policy="default")


async def test_a_client_of_a_busy_network_is_told_of_the_network() -> None:
    limits = OwnLimits(SlidingWindow(3, clock=Clock()))
    app, store = App(Settings(), limits), MemoryStore()
    headers = []
    for subnet in (*range(48), 48):
        request = Request("http", "GET", "/zzzzzz", {}, f"2001:db8:48:{subnet:x}::1", no_body())
        response = await app.handle(request, store)
        headers.append((response.status, response.headers["RateLimit-Policy"], response.headers["RateLimit"]))
    assert headers[0] == (404, '"default";q=3;w=1', '"default";r=2;t=1')
    assert headers[44] == (404, '"default";q=3;w=1', '"default";r=2;t=1')
    assert headers[47] == (404, '"network";q=48;w=1', '"network";r=0;t=1')
    assert headers[48] == (429, '"network";q=48;w=1', '"network";r=0;t=1')


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 0.1)), max_size=200), st.integers(1, 2))
async def test_no_second_of_a_network_has_more_than_its_limit_and_nobody_below_it_is_refused(
    steps: list[tuple[int, float]], limit: int
) -> None:
    clock = Clock()
    limiter = SlidingWindow(limit, clock=clock)
    admitted: list[tuple[int, float]] = []
    for subnet, pause in steps:
        clock.now += pause
        recent = [client for client, time in admitted if time > clock.now - 1]
        admission = await limiter.admit(f"2001:db8:48:{subnet:x}::1")
        expected = recent.count(subnet) < limit and len(recent) < limit * NETWORK_FACTOR
        assert admission.admitted == expected
        if expected:
            admitted.append((subnet, clock.now))


async def test_memory_is_enough_for_one_network_whatever_the_limit() -> None:
    limiter = SlidingWindow(10, max_entries=5, clock=Clock())
    statuses = [(await limiter.admit(f"2001:db8:48:{n % 16:x}::1")).admitted for n in range(161)]
    assert statuses == [True] * 160 + [False]


async def test_memory_is_bounded_however_many_networks_there_are() -> None:
    limiter = SlidingWindow(3, max_entries=1_000, clock=Clock())
    for number in range(5_000):
        await limiter.admit(f"2001:db8:{number >> 8 & 15:x}:{number:x}::1")  # 16 networks, most of it refused
        await limiter.admit(f"2001:db9:{number:x}::1")
        assert limiter.entries <= 1_000
        assert limiter.logs <= 1_000


async def test_memory_is_bounded_and_a_busy_client_is_not_forgotten() -> None:
    limiter = SlidingWindow(3, max_entries=1_000, clock=Clock())
    for number in range(10_000):
        await limiter.admit(f"10.0.{number >> 8}.{number & 255}")
        if number % 100 == 0:
            await limiter.admit("192.0.2.1")
    assert not (await limiter.admit("192.0.2.1")).admitted
    assert limiter.entries <= 1_000


async def test_a_client_that_has_been_quiet_for_a_window_is_forgotten() -> None:
    clock = Clock()
    limiter = SlidingWindow(3, clock=clock)
    for number in range(10_000):
        await limiter.admit(f"10.0.{number >> 8}.{number & 255}")
        assert limiter.logs <= 101
        clock.now += 0.01
    assert limiter.entries == limiter.logs


async def test_after_a_flood_each_request_forgets_a_few_so_that_none_has_to_wait() -> None:
    clock = Clock()
    limiter = SlidingWindow(3, clock=clock)
    for number in range(1_000):
        await limiter.admit(f"10.0.{number >> 8}.{number & 255}")
    clock.now += 1
    remembered = []
    for _ in range(500):
        await limiter.admit("192.0.2.1")
        remembered.append(limiter.logs)
    assert remembered[0] >= 990
    assert remembered[-1] == limiter.entries - 2 == 1


@given(st.ip_addresses(v=6))
def test_all_addresses_of_a_network_are_one_client(address: IPv6Address) -> None:
    if address.ipv4_mapped:
        return
    neighbour = IPv6Address(int(address) ^ 0xFFFF)
    stranger = IPv6Address(int(address) ^ (1 << 64))
    assert client_group(str(address)) == client_group(str(neighbour))
    if not stranger.ipv4_mapped:
        assert client_group(str(address)) != client_group(str(stranger))


@given(st.ip_addresses(v=6), st.integers(0, 2**80 - 1))
def test_all_clients_of_a_48_are_one_network(address: IPv6Address, rest: int) -> None:
    others = [IPv6Address(int(address) >> 80 << 80 | rest), IPv6Address(int(address) ^ 1 << 80)]
    if any(each.ipv4_mapped for each in (address, *others)):
        return
    (client, network), (_, same), (_, another) = (client_groups(str(each)) for each in (address, *others))
    assert network == same
    assert len({client, network, another}) == 3


@given(st.ip_addresses(v=4))
def test_an_ipv4_client_has_no_network(address: IPv4Address) -> None:
    assert client_groups(str(address)) == client_groups(f"::ffff:{address}") == (str(address),)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_itself(address: IPv4Address) -> None:
    assert client_group(f"::ffff:{address}") == client_group(str(address)) == str(address)


@given(st.text())
def test_what_is_no_address_is_counted_as_it_is(text: str) -> None:
    assert len(client_group(text)) <= 64
