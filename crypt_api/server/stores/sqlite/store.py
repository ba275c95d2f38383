"""Messages in one SQLite file: the default store of a server, with no service beside it to run."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from crypt_api.server.stores.reporting import NoObserver, Observer, Usage
from crypt_api.server.stores.sqlite.database import Database
from crypt_api.server.stores.sqlite.group_commit import QueuedCommand
from crypt_api.server.stores.sqlite.storage_room import DEFAULT_STORAGE
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_api.server.stores.sqlite.wall_clock import WallClock
from crypt_api.server.stores.sqlite.writer import Writer
from crypt_core.commands import Command
from crypt_core.events import OnEvent, ignore
from crypt_core.outcomes import Outcome


class SqliteStore:
    """Keeps messages in the file at `path`, which no other process can have open at the same time."""

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_STORAGE,
        clock: Callable[[], float] | None = None,
        observer: Observer = NoObserver(),  # noqa: B008 - it has no state
        system: System = REAL,
        on_event: OnEvent = ignore,
    ) -> None:
        """Open the file, or create it.

        Args:
            path: The database. Its log and its reserve lie beside it.
            max_bytes: The cap for database and log; 0 is none.
            clock: The time in seconds that messages live by. The default is a `WallClock`.
            observer: Receives events that belong to no request.
            system: The machine; tests pass their own.
            on_event: Receives what senders want to be told, when it is on the disk.

        Raises:
            StorageUnavailable: The file cannot be used; the text says why.
        """
        database = Database(path, max_bytes, system)
        try:
            self._writer = Writer(database, clock or WallClock(), observer, system, on_event)
        except BaseException:
            database.close()
            raise
        self._thread = system.thread(target=self._writer.run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def connect(self) -> None:
        """The file is open already."""

    async def apply(self, message_id: str, command: Command) -> Outcome:
        queued = QueuedCommand(message_id, command, asyncio.get_running_loop().create_future())
        self._writer.submit(queued)
        return await queued.outcome

    @property
    def usage(self) -> Usage:
        """The store's state, at most a second old while the disk is well."""
        return self._writer.usage

    def close(self) -> None:
        """Apply what still waits, erase from the files what was destroyed, and close them."""
        self._writer.close()
        self._thread.join()
