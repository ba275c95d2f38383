"""Turns of the event loop are short, and each client gets its share of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from crypt_api.server.edge.limits import TURN_SECONDS, TURNS_AT_ONCE
from crypt_api.server.edge.turns import Turns


@dataclass
class Member:
    """Something that wants a turn."""

    client_group: str
    take_turn: Callable[[], None]


async def test_clients_have_turns_in_rotation() -> None:
    taken: list[str] = []
    turns = Turns(clock=lambda: TURN_SECONDS * len(taken) / 4)  # one turn of the event loop has time for four
    for number in range(1_000):
        turns.wait(Member("many", lambda number=number: taken.append(f"many {number}")))  # type: ignore[misc]
    turns.wait(Member("one", lambda: taken.append("one")))
    await asyncio.sleep(0)
    assert taken[:3] == ["many 0", "one", "many 1"]
    assert len(taken) == 4
    for _ in range(1_000 // 4):
        await asyncio.sleep(0)
    assert len(taken) == 1_001


async def test_only_some_go_on_at_once() -> None:
    turns, somebody = Turns(), Member("", lambda: None)
    assert sum(turns.take(somebody) for _ in range(1_000)) == TURNS_AT_ONCE
    turns.wait(somebody)
    await asyncio.sleep(0)
    assert turns.take(somebody)


async def test_nobody_overtakes_what_waits_of_the_same_client() -> None:
    turns = Turns()
    turns.wait(Member("busy", lambda: None))
    assert not turns.take(Member("busy", lambda: None))
    assert turns.take(Member("other", lambda: None))
    await asyncio.sleep(0)
    assert turns.take(Member("busy", lambda: None))


async def test_a_turn_that_fails_stops_no_other() -> None:
    taken: list[int] = []
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

    def fail() -> None:
        raise ValueError

    turns = Turns()
    turns.wait(Member("", fail))
    turns.wait(Member("", lambda: taken.append(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken == [1]
    assert [type(error) for error in told] == [ValueError]


async def test_what_is_wanted_during_a_turn_comes_in_a_later_one() -> None:
    taken: list[int] = []
    turns = Turns()

    def first() -> None:
        taken.append(1)
        turns.wait(Member("", lambda: taken.append(2)))

    turns.wait(Member("", first))
    for _ in range(3):
        await asyncio.sleep(0)
    assert taken == [1, 2]
