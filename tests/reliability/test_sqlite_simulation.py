"""The SQLite store in thousands of random orders of its threads' steps, with failing commits and crashes between them.

Only one thread runs at a time, and time is simulated. A seed that fails is played again by
`python -m tests.reliability.test_sqlite_simulation N`.
"""

import logging
import math
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crypt_api.server.stores.sqlite.group_commit import GroupCommit, QueuedCommand, settle
from crypt_api.server.stores.sqlite.records import RowChange
from crypt_api.server.stores.sqlite.writer import Job, Writer
from crypt_core.commands import Command, Create, Destroy, GetReceipt, Read
from tests.support.seeds import replayable
from tests.support.simulated_sqlite import World
from tests.support.wire_commands import ASKED, CREATE, QUESTION
from tests.support.wire_commands import COMMANDS as SEALED

DAY = 86_400  # seconds
PLAIN: list[Command] = [
    *(Create("x", DAY), Create("y", DAY), Create("z", DAY), Read(), Read()),
    *(Read(None, None, "a"), Read(None, None, "b"), Destroy()),
]


def play(chosen: random.Random, folder: Path) -> World:
    """Three processes, one after the other, serve callers; others are asked what is left."""
    world = World(chosen, folder)
    for number in range(3):
        sealed = f"sealed{max(0, number - chosen.randrange(2))}"
        commands = [("abc12", chosen.choice(PLAIN)) for _ in range(chosen.randrange(8))]
        commands += [(sealed, chosen.choice([CREATE, *SEALED])) for _ in range(chosen.randrange(8))]
        commands += [("asked", chosen.choice([QUESTION, *ASKED])) for _ in range(chosen.randrange(8))]
        chosen.shuffle(commands)
        steps = chosen.choice([math.inf, chosen.randrange(300)])
        world.live(commands, steps=steps, fails=chosen.random() < 0.5)
    world.live([("abc12", Read())])
    world.live([(message_id, GetReceipt("proof")) for message_id in [*world.history] if message_id != "abc12"])
    world.check()
    return world


def play_seed(seed: int) -> World:
    logging.disable()
    try:
        with tempfile.TemporaryDirectory() as folder, replayable(__spec__.name, seed):
            return play(random.Random(seed), Path(folder))
    finally:
        logging.disable(logging.NOTSET)


def play_seeds(first: int, count: int) -> int:
    """Return how many processes crashed."""
    return sum(play_seed(seed).crashes for seed in range(first, first + count))


@pytest.mark.parametrize(("first", "count"), [(0, 120), pytest.param(120, 6_000, marks=pytest.mark.long)])
def test_random_orders_crashes_and_failing_commits(first: int, count: int) -> None:
    assert play_seeds(first, count) > count / 3


next_job = Writer._next_job  # noqa: SLF001


def answer_before_the_commit(writer: Writer) -> Job | None:
    job = next_job(writer)
    if job and job.decided:
        writer._tell(job.group, job.decided.outcomes)  # noqa: SLF001
    return job


def look_before_the_file_is_given_away(writer: Writer, *told: Any) -> None:
    writer._tell(*told or ([], []))  # noqa: SLF001
    writer._file_lock.release()  # noqa: SLF001


def take_a_failed_commit_for_undone(commits: GroupCommit, changes: Mapping[str, RowChange]) -> bool:
    settle(commits._database, changes, commits._system)  # noqa: SLF001
    return False


def take_a_failed_commit_for_done(commits: GroupCommit, changes: Mapping[str, RowChange]) -> bool:
    settle(commits._database, changes, commits._system)  # noqa: SLF001
    return True


@pytest.mark.parametrize(
    ("owner", "name", "fault"),
    [
        (Writer, "_next_job", answer_before_the_commit),
        (Writer, "_give_file_away", look_before_the_file_is_given_away),
        (GroupCommit, "_settle", take_a_failed_commit_for_undone),
        (GroupCommit, "_settle", take_a_failed_commit_for_done),
        (QueuedCommand, "is_abandoned", False),
    ],
)
def test_a_fault_is_found(owner: type, name: str, fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises(AssertionError, match="python -m"):
        play_seeds(0, 300)


if __name__ == "__main__":
    play_seed(int(sys.argv[1]))
