"""What every store promises, whatever it is made of."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypt_api.stores.memory import MemoryStore
from crypt_core.messages import Command, Create, Created, Granted, IdTaken, Missing, Read
from crypt_core.store import Store
from tests.stores import STORES, Clock

DAY = 86_400  # seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with STORES[request.param](tmp_path, clock) as store:
        yield store


@pytest.mark.parametrize("content", ["x", "žluťoučký 🐎", "\0", '{"a": "b"}', "\n ", "x" * 102_400, "\x01" * 102_400])
async def test_what_is_created_is_read_as_it_was(store: Store, content: str) -> None:
    assert await store.apply("abc12", Create(content, DAY)) == Created()
    assert await store.apply("abc12", Read()) == Granted(content)


async def test_a_second_read_finds_nothing(store: Store) -> None:
    await store.apply("abc12", Create("secret", DAY))
    await store.apply("abc12", Read())
    assert await store.apply("abc12", Read()) == Missing()


async def test_an_id_that_is_taken_keeps_its_message(store: Store) -> None:
    await store.apply("abc12", Create("first", DAY))
    assert await store.apply("abc12", Create("second", DAY)) == IdTaken()
    assert await store.apply("abc12", Read()) == Granted("first")


async def test_an_id_is_free_again_once_its_message_is_gone(store: Store, clock: Clock) -> None:
    await store.apply("abc12", Create("first", DAY))
    await store.apply("abc12", Read())
    assert await store.apply("abc12", Create("second", 60)) == Created()
    clock.now += 60
    assert await store.apply("abc12", Create("third", DAY)) == Created()
    assert await store.apply("abc12", Read()) == Granted("third")


async def test_a_message_lives_to_the_end_of_its_time_and_no_longer(store: Store, clock: Clock) -> None:
    await store.apply("abc12", Create("a", 60))
    await store.apply("abc13", Create("b", 60))
    clock.now += 59.9
    assert await store.apply("abc12", Read()) == Granted("a")
    clock.now += 0.1
    assert isinstance(await store.apply("abc13", Read()), Missing)


async def test_of_32_readers_one_gets_it(store: Store) -> None:
    for number in range(100):
        await store.apply("abc12", Create(f"secret {number}", DAY))
        outcomes = await asyncio.gather(*(store.apply("abc12", Read()) for _ in range(32)))
        assert sorted(map(repr, outcomes)) == sorted([repr(Granted(f"secret {number}"))] + [repr(Missing())] * 31)


async def test_of_32_creators_one_gets_the_id(store: Store) -> None:
    for number in range(30):
        message_id = f"abc{number:02}"
        creates = [Create(f"secret {n}", DAY) for n in range(32)]
        outcomes = await asyncio.gather(*(store.apply(message_id, create) for create in creates))
        winner = creates[outcomes.index(Created())]
        assert outcomes.count(IdTaken()) == 31
        assert await store.apply(message_id, Read()) == Granted(winner.content)


Step = tuple[str, Command] | float

commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Create, st.text(min_size=1, max_size=5), st.integers(60, 200)), st.builds(Read)
)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(st.tuples(st.sampled_from(["abc12", "abc13", "abc14"]), commands), st.floats(0, 150)), max_size=40
)


@pytest.mark.parametrize("name", [name for name in STORES if name != "memory"])
@given(steps=steps)
@settings(max_examples=60)
async def test_every_store_does_what_the_reference_does(name: str, steps: list[Step]) -> None:
    clock = Clock()
    reference = MemoryStore(clock)
    with tempfile.TemporaryDirectory() as folder, STORES[name](Path(folder), clock) as store:
        for step in steps:
            if isinstance(step, float):
                clock.now += step
            else:
                assert await store.apply(*step) == await reference.apply(*step)
