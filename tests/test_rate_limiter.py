"""Three requests a second for each client, counted exactly, in bounded memory."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_core.limits.addresses import client_group
from crypt_core.limits.rate_limiter import Admission, SlidingWindow
from tests.support.platforms import Platform


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_fourth_request_of_a_second_is_refused(platform: Platform) -> None:
    with platform.client("198.51.100.1") as client, platform.client("198.51.100.2") as other:
        answers = [client.get("/zzzzz") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert answers[3].content == b'{"error": "Rate limit exceeded"}'
        assert answers[3].headers["retry-after"] == "1"
        assert other.get("/zzzzz").status_code == 404


def test_a_refused_request_reads_nothing(platform: Platform) -> None:
    with platform.client("198.51.100.3") as client, platform.client() as other:
        message_id = other.post("/", json={"message": "secret"}).json()["id"]
        statuses = [client.get("/zzzzz").status_code for _ in range(3)] + [client.get("/" + message_id).status_code]
        assert statuses[3] == 429
        assert other.get("/" + message_id).json() == {"message": "secret"}


def test_help_and_preflight_are_never_limited(platform: Platform) -> None:
    with platform.client("198.51.100.4") as client:
        assert {client.options("/").status_code for _ in range(10)} == {204}
        assert {client.get("/").status_code for _ in range(10)} == {200}


def test_an_ipv6_client_is_its_network(platform: Platform) -> None:
    statuses = []
    for host in range(4):
        with platform.client(f"2001:db8:1:2:{host}::1") as client:
            statuses.append(client.get("/zzzzz").status_code)
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


async def test_memory_is_bounded_and_a_busy_client_is_not_forgotten() -> None:
    limiter = SlidingWindow(3, max_entries=1_000, clock=Clock())
    for number in range(10_000):
        await limiter.admit(f"10.0.{number >> 8}.{number & 255}")
        if number % 100 == 0:
            await limiter.admit("192.0.2.1")
    assert not (await limiter.admit("192.0.2.1")).admitted
    assert limiter.entries <= 1_000


@given(st.ip_addresses(v=6))
def test_all_addresses_of_a_network_are_one_client(address: IPv6Address) -> None:
    if address.ipv4_mapped:
        return
    neighbour = IPv6Address(int(address) ^ 0xFFFF)
    stranger = IPv6Address(int(address) ^ (1 << 64))
    assert client_group(str(address)) == client_group(str(neighbour))
    if not stranger.ipv4_mapped:
        assert client_group(str(address)) != client_group(str(stranger))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_itself(address: IPv4Address) -> None:
    assert client_group(f"::ffff:{address}") == client_group(str(address)) == str(address)


@given(st.text())
def test_what_is_no_address_is_counted_as_it_is(text: str) -> None:
    assert len(client_group(text)) <= 64
