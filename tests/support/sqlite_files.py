"""What the tests of the SQLite store share: looking into its files, waiting for its thread, making it fail."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from crypt_api.server.stores.reporting import Usage
from crypt_api.server.stores.sqlite.connection import open_exclusively
from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.group_commit import GroupCommit, OutcomeOrError, QueuedCommand
from crypt_api.server.stores.sqlite.housekeeping import Housekeeping
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.commands import Command


def files_mention(path: Path, text: str | bytes) -> bool:
    """Whether the text is in any file of the database's folder."""
    needle = text.encode() if isinstance(text, str) else text
    return any(needle in file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def keys_in_use(path: Path) -> set[bytes]:
    """The keys in a database that no process has open."""
    file = Database(path)
    keys = {key for (key,) in file.execute("SELECT key FROM key_slots")} - {bytes(32)}
    file.close()
    return keys


def copy_files(path: Path, folder: Path) -> Path:
    """Copy database and log as they are now, as a power cut would leave them; return the copy's path."""
    folder.mkdir()
    for name in (path.name, path.name + "-wal"):
        shutil.copyfile(path.with_name(name), folder / name)
    return folder / path.name


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what a background thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


class Observer:
    """Counts what the store tells."""

    def __init__(self) -> None:
        self.expired_count = 0
        self.damaged_count = 0

    def expired(self, count: int) -> None:
        self.expired_count += count

    def damaged(self) -> None:
        self.damaged_count += 1


class Caller:
    """Stands for the future of somebody who waits."""

    def cancelled(self) -> bool:
        return False

    def get_loop(self) -> "Caller":
        return self

    def is_closed(self) -> bool:
        return False


class Engine:
    """The store without its thread: each step is made by the test."""

    def __init__(
        self, path: Path, max_bytes: int = 0, clock: Callable[[], float] = time.time, system: System = REAL
    ) -> None:
        self.database = Database(path, max_bytes, system)
        self.observer = Observer()
        self.housekeeping = Housekeeping(self.database, clock, self.observer, system)
        self.commits = GroupCommit(self.database, clock, self.housekeeping.found_unreadable, system)

    def apply(self, *commands: tuple[str, Command]) -> list[OutcomeOrError]:
        """Apply the commands as one group."""
        caller: Any = Caller()
        return self.commits.apply([QueuedCommand(message_id, command, caller) for message_id, command in commands])

    def keep_house(self) -> None:
        """Until there is no more to do at once."""
        while self.housekeeping.step():
            pass

    def usage(self) -> Usage:
        self.housekeeping.take_stock()
        return self.housekeeping.usage

    def close(self) -> None:
        self.database.close()


class FailingCommits:
    """Connections whose commits fail in the ways that are asked for, one after the other.

    Each way is a pair: whether the commit takes place all the same, and the exception that is raised then.
    """

    def __init__(self) -> None:
        self.ways: list[tuple[bool, Exception]] = []
        self.carry_over_at_the_end = True
        """Whether SQLite can carry the log over when a connection is closed."""
        self.system = System(connect=self._connect)

    def commit(self, commit: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        if not self.ways:
            return commit()
        takes_place, error = self.ways.pop(0)
        if takes_place:
            commit()
        raise error

    def _connect(self, path: Path) -> sqlite3.Connection:
        commits = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
                run = partial(super().execute, sql, parameters)
                return commits.commit(run) if sql == "COMMIT" else run()

            def close(self) -> None:
                files = () if commits.carry_over_at_the_end else (path, path.with_name(path.name + "-wal"))
                contents = [file.read_bytes() for file in files]
                super().close()
                for file, content in zip(files, contents, strict=True):
                    file.write_bytes(content)

        return open_exclusively(path, Connection)
