"""Which commands share a pipeline to an engine. `tests/valkey` shows what a pipeline is worth when engines fail."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from crypt_api.server.stores.valkey.connection import EngineCommand, Reply
from crypt_api.server.stores.valkey.engine import EngineClock
from crypt_api.server.stores.valkey.group_commit import ENOUGH, TIME, GroupCommit


class Engine:
    """Stands for a connection: it says OK to everything, and counts the entries of each pipeline."""

    def __init__(self) -> None:
        self.pipelines: list[int] = []

    async def call(self, commands: Sequence[EngineCommand]) -> list[Reply]:
        self.pipelines.append(len(commands) - len([TIME]))
        await asyncio.sleep(0)
        return [b"OK"] * len(commands)


async def arrive(commits: GroupCommit, turn: int) -> None:
    for _ in range(turn):
        await asyncio.sleep(0)
    await commits.submit([(b"SET", turn, b"x")])


async def pipelines(turns: Sequence[int]) -> list[int]:
    """Entries of each pipeline, if an entry arrives in each of these turns of the event loop."""
    engine: Any = Engine()
    commits = GroupCommit(engine, EngineClock(lambda: 0.0), timeout=20)
    running = asyncio.create_task(commits.run())
    await asyncio.sleep(0)
    await asyncio.gather(*(arrive(commits, turn) for turn in turns))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return engine.pipelines  # type: ignore[no-any-return]


async def test_what_arrives_over_several_turns_shares_a_pipeline() -> None:
    assert await pipelines([number // 2 for number in range(10)]) == [10]


async def test_an_entry_alone_is_sent_in_the_next_turn() -> None:
    engine: Any = Engine()
    commits = GroupCommit(engine, EngineClock(lambda: 0.0), timeout=20)
    running = asyncio.create_task(commits.run())
    await asyncio.sleep(0)
    answer = commits.submit([(b"SET", 1, b"x")])
    await asyncio.sleep(0)
    assert engine.pipelines == [1]
    await answer
    running.cancel()


async def test_many_entries_wait_for_no_more_however_many_keep_coming() -> None:
    first, *_ = await pipelines([number // 2 for number in range(4 * ENOUGH)])
    assert ENOUGH <= first <= ENOUGH + 2
