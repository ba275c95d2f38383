"""Which connection goes when there is no room."""

import socket
from dataclasses import dataclass
from typing import cast

import pytest

from crypt_api.server.edge.connection import Connection
from crypt_api.server.edge.eviction import next_evicted
from crypt_api.server.edge.peer import Peer
from crypt_api.server.edge.phase import Phase

NEW = cast("Connection", object())


@dataclass(eq=False)
class Waiting:
    """What is looked at of a connection."""

    client_group: str
    phase: Phase
    since: float


def evicted(*connections: Waiting) -> list[Waiting]:
    """All that can go, in their order."""
    found = next_evicted([cast("Connection", connection) for connection in connections], NEW, len(connections))
    return [cast("Waiting", connection) for connection in found]


@pytest.mark.parametrize("phase", [Phase.HEAD, Phase.SKIP, Phase.BODY, Phase.FLUSH, Phase.LINGER])
def test_the_oldest_goes_first_whatever_it_waits_for(phase: Phase) -> None:
    old = Waiting("a", phase, 1)
    fresh = [Waiting(str(other), other, 2) for other in Phase if other not in (Phase.ANSWER, Phase.CLOSED)]
    assert evicted(*fresh, old)[0] is old


def test_the_client_with_the_most_goes_first_however_fresh_it_is() -> None:
    old = Waiting("honest", Phase.BODY, 1)
    greedy = [Waiting("greedy", Phase.HEAD, 10 + n) for n in range(9)]
    assert evicted(old, *greedy) == [*greedy, old]


def test_a_browser_has_no_more_than_others() -> None:
    """It opens six connections; each of the attackers has one."""
    browser = [Waiting("browser", Phase.HEAD, 10) for _ in range(6)]
    attackers = [Waiting(str(n), Phase.BODY, n) for n in range(5)]
    assert evicted(*browser, *attackers)[:5] == attackers


def test_a_request_that_is_being_answered_stays() -> None:
    assert evicted(Waiting("a", Phase.ANSWER, 1), Waiting("b", Phase.CLOSED, 1)) == []


def group(address: str, *, is_proxy: bool = False) -> str:
    with socket.socket() as sock:
        return Peer(sock, (address, 4711), is_proxy=is_proxy).group


def test_an_ipv6_network_is_one_client() -> None:
    """As for the limits: its owner has 65,536 networks of the size of one household."""
    assert group("2001:db8:1:1::1") == group("2001:db8:1:2::1")
    assert group("2001:db8:1:1::1") != group("2001:db8:2:1::1")
    assert group("::ffff:192.0.2.1") == group("192.0.2.1") != group("192.0.2.2")


def test_connections_of_a_proxy_are_not_one_client() -> None:
    with socket.socket() as sock:
        groups = {Peer(sock, ("192.0.2.1", port), is_proxy=True).group for port in (1, 2)}
    assert len(groups) == 2
