"""Callers at once, and `kill -9` in the middle: whatever they were told must have happened in some order.

Each service runs as a process, and is started again on what it left. The model is `decide` itself
(`tests/support/linearizable.py`); an answer that was lost may have taken effect, or not.
"""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from crypt_core.commands import Command, GetReceipt
from tests.support.linearizable import Event, is_linearizable, refused
from tests.support.platforms import NO_TLS, Process, start_server, start_worker
from tests.support.wire_commands import ASKED, COMMANDS, random_id, send

CALLERS = 6
COMMANDS_EACH = 6
IDS = 4  # two new ones in each round
"""Messages and questions at a time. Each is known for two rounds, so that its history goes over a kill."""

History = dict[str, list[Event]]
Ids = list[tuple[str, list[Command]]]
"""With what is done to each."""


async def caller(
    client: httpx.AsyncClient, chosen: random.Random, ids: Ids, history: History, answers: asyncio.Semaphore
) -> None:
    clock = asyncio.get_running_loop().time
    for _ in range(COMMANDS_EACH):
        message_id, commands = chosen.choice(ids)
        command = chosen.choice(commands)
        began = clock()
        outcome = await send(client, message_id, command)
        ended = refused(began, command) if outcome is None else Event(began, clock(), command, outcome)
        history[message_id].append(ended)
        answers.release()


async def kill_after(process: Process, count: int, answers: asyncio.Semaphore) -> None:
    for _ in range(count):
        await answers.acquire()
    os.killpg(process.pid, signal.SIGKILL)  # now, and not when a thread has its turn
    await asyncio.to_thread(process.wait)


async def run_rounds(start: Callable[[], Process], kills: int, seed: int) -> History:
    """What the callers of all rounds were told. Each round ends with a kill; at the end, each receipt is asked for."""
    chosen = random.Random(seed)
    history: History = defaultdict(list)
    ids: Ids = []
    for _ in range(kills):
        ids = ids[IDS // 2 :] + [(random_id(chosen), commands) for commands in (COMMANDS, ASKED)]
        with start() as process:
            async with httpx.AsyncClient(base_url=process.url, timeout=20, verify=NO_TLS) as client:
                await client.get("/-/health")
                answers = asyncio.Semaphore(0)
                callers = [caller(client, chosen, ids, history, answers) for _ in range(CALLERS)]
                killer = kill_after(process, chosen.randrange(CALLERS * COMMANDS_EACH), answers)
                await asyncio.gather(killer, *callers)
    with start() as process:
        async with httpx.AsyncClient(base_url=process.url, verify=NO_TLS) as client:
            for message_id, events in history.items():
                began = asyncio.get_running_loop().time()
                outcome = await send(client, message_id, GetReceipt("proof"))
                events.append(Event(began, asyncio.get_running_loop().time(), GetReceipt("proof"), outcome))
    return history


def check(history: History, seed: int) -> None:
    for message_id, events in history.items():
        assert is_linearizable(events), (seed, message_id, sorted(events, key=lambda event: event.began))


@pytest.mark.parametrize(("kills", "seed"), [(10, 1), pytest.param(500, 2, marks=pytest.mark.long)])
async def test_a_server_that_is_killed_keeps_its_word(tmp_path: Path, kills: int, seed: int) -> None:
    flags = ("--rate-limit-per-second=0", f"--store=sqlite:///{tmp_path}/messages.db")
    history = await run_rounds(lambda: start_server(*flags), kills, seed)
    answered = sum(not event.is_refused for events in history.values() for event in events)
    lost = sum(event.is_refused for events in history.values() for event in events)
    assert answered > 10 * kills
    assert lost > kills  # the kills came in the middle
    check(history, seed)


@pytest.mark.long
async def test_a_worker_that_is_killed_keeps_its_word(tmp_path: Path) -> None:
    flags = ("--var", "RATE_LIMIT_PER_SECOND:0", "--persist", str(tmp_path))
    check(await run_rounds(lambda: start_worker(*flags), kills=30, seed=3), seed=3)
