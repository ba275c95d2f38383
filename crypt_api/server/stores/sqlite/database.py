"""The open database: one process owns it, what it commits is durable, and it stays the file under its path.

See `wal` for the log, `disk_space` for room, `file_identity` for the path, `records` for what is in the tables.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from crypt_api.server.stores.sqlite import schema
from crypt_api.server.stores.sqlite.connection import describe, is_full
from crypt_api.server.stores.sqlite.disk_space import ROOM_BYTES, DiskFull, DiskSpace, grow
from crypt_api.server.stores.sqlite.durable_files import FULL_ERRORS
from crypt_api.server.stores.sqlite.file_identity import FileIdentity
from crypt_api.server.stores.sqlite.records import Records
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_api.server.stores.sqlite.wal import MIN_LOG_BYTES, WriteAheadLog, adopt_reserve
from crypt_core.errors import StorageUnavailable

T = TypeVar("T")

CARRY_OVER_PAGES = 650
"""SQLite carries over a log of so many pages, with the commit that makes it so long. One group more, of a megabyte and
what its rows and keys need, still fits into the room of the log, also on a full disk."""

_CARRY_OVER = f"PRAGMA wal_autocheckpoint = {CARRY_OVER_PAGES}"
_DO_NOT_CARRY_OVER = "PRAGMA wal_autocheckpoint = 0"

_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # A commit returns when it is on the disk, F_FULLFSYNC included where plain fsync does not mean that.
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    _CARRY_OVER,
    # Deleted text is overwritten where that costs no write of its own. Keys must be: `key_slots` sees to it.
    "PRAGMA secure_delete = FAST",
    "PRAGMA temp_store = MEMORY",
)


class LogReplaced(StorageUnavailable):
    """The log was deleted or replaced under us. SQLite still has it open: nothing is lost yet."""


class MustWait(Exception):
    """The disk would have to be waited for."""


class CommitUncertain(Exception):
    """A commit failed, or the file was replaced meanwhile: its effect has to be looked for (see `settlement`)."""


class SqliteFile:
    """The database at one path. For one thread at a time; what SQLite raises goes through, where not said otherwise."""

    def __init__(self, path: Path, max_bytes: int = 0, system: System = REAL) -> None:
        """Open the file at `path`, or create it, readable for its owner only. `max_bytes` is its cap; 0 is none.

        Raises:
            StorageUnavailable: It is in use, not ours, of another version, or cannot be opened or written.
        """
        self.path = path.absolute()
        self._system = system
        self._real_path = path.resolve()  # where SQLite keeps the log, if the path is a link
        self.space = DiskSpace(self._real_path, self.execute, max_bytes)
        self.records = Records(self.execute, self.execute_many)
        self.page_size = 0
        self._connection: sqlite3.Connection | None = None
        self._log: WriteAheadLog | None = None
        self._log_size = 0
        self._size = 0  # bytes of the database's file, with the last transaction
        self._pages = 0  # of the database, with the last transaction
        self._is_growing = False
        self._identity: FileIdentity | None = None  # held from the first opening to the end
        self._is_ready = False
        self._cut_off_holds_keys = False
        try:
            _create(self._real_path, self._system)
        except OSError as error:
            raise StorageUnavailable(f"cannot open {self.path}: {describe(error)}") from None
        try:
            self.make_ready()
        except BaseException:
            self.close()
            raise

    @property
    def is_ready(self) -> bool:
        """Whether the file is open, and is known to be writable."""
        return self._is_ready

    def make_ready(self) -> None:
        """Open the file if it is not open, and find out that it can be written. Nothing is done if that is known.

        Raises:
            StorageUnavailable: It cannot be opened or written; it stays closed.
        """
        if self._is_ready:
            return
        try:
            if self._connection is None:
                self.connect()
            self.carry_over()  # a crash may have left something destroyed in it
            if not self._reserve_log() and _opened(self._log).size() < MIN_LOG_BYTES:
                raise DiskFull("no room on the disk for the log")  # noqa: TRY301 - one way out
        except (sqlite3.Error, OSError, CommitUncertain) as error:
            self.disconnect()
            raise StorageUnavailable(f"cannot open {self.path}: {describe(error)}") from None
        except BaseException:
            self.disconnect()
            raise
        self._is_ready = True

    def connect(self) -> None:
        """Open the file that was opened before, and no other; the first time, the file under the path.

        Nothing is written, but the tables of an empty file.

        Raises:
            StorageUnavailable: It is in use, not ours, or not under the path.
        """
        if self._identity is not None and self._identity.stat_if_under_path() is None:
            raise StorageUnavailable(f"{self.path} is not the file that was opened")
        adopt_reserve(self._real_path, self._system)
        self._system.sync_folder(self._real_path.parent)  # a log that SQLite removed must not come back
        try:
            self._connection = self._system.connect(self.path)
            version = schema.version_of(self.execute, self.path)
            for setting in _SETTINGS:
                self.execute(setting)
            if not version:
                self._create_tables()
            [[self.page_size]] = self.execute("PRAGMA page_size")
            self.execute("SELECT count(*) FROM sqlite_schema")  # SQLite opens the log with the first look
            self._identity = self._identity or FileIdentity(self.path)
            self._log = WriteAheadLog(self._real_path, self._system)
        except BaseException:
            self.disconnect()
            raise

    def _create_tables(self) -> None:
        self.begin()
        try:
            schema.create(self.execute)
            self.execute("COMMIT")
        finally:
            self.roll_back()

    def execute(self, sql: str, *values: object) -> list[Any]:
        """Run one statement, and return all rows. DiskFull if it finds no room."""
        try:
            return _opened(self._connection).execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _told(error) from None

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters. DiskFull if it finds no room."""
        try:
            _opened(self._connection).executemany(sql, rows)
        except sqlite3.Error as error:
            raise _told(error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, durably and at once; or, when it raises, nothing of it.

        Raises:
            Exception: What happens inside, or what `take_commits_room` or `commit` raises.
        """
        self.begin()
        try:
            yield
            self.take_commits_room()
        except BaseException:
            self.roll_back()
            raise
        self.commit()

    def begin(self) -> None:
        """Start a transaction: `commit` or `roll_back` ends it."""
        self.execute("BEGIN IMMEDIATE")

    def take_commits_room(self, *, may_wait: bool = True) -> None:
        """Take from the disk what the commit adds to the file. Call it last in a transaction.

        Raises:
            DiskFull: There is no room.
            MustWait: Room must be taken, and `may_wait` is False.
            StorageUnavailable: The file is not under its path any more.
        """
        size = self._size_if_in_place()
        [[pages]] = self.execute("PRAGMA page_count")
        self._is_growing, self._pages = pages > self._pages, pages
        if pages * self.page_size > size:
            if not may_wait:
                raise MustWait
            grow(self._system, _opened(self._identity).descriptor, size, pages * self.page_size)

    @property
    def needs_room_ahead(self) -> bool:
        """Whether the database grows, and has little room left. SQLite cuts off the room with each carrying over."""
        return self._is_growing and self._size < self._pages * self.page_size + self._system.growth_bytes // 2

    def take_room_ahead(self) -> None:
        """Take room for the next commits: then the event loop can decide them. DiskFull on a full disk."""
        grow(self._system, _opened(self._identity).descriptor, self._size, self._pages * self.page_size)

    def commit(self) -> None:
        """Make durable what happened since `begin`. Python's threads meet here, so it asks SQLite for one thing only.

        Raises:
            CommitUncertain: It is not known whether anything happened. The transaction has ended.
        """
        try:
            self.execute("COMMIT")
            self._size_if_in_place()
        except BaseException as error:
            self.roll_back()
            if not isinstance(error, Exception):
                raise
            is_foreseen = isinstance(error, sqlite3.Error | StorageUnavailable)
            # Another one, such as MemoryError: the commit may have taken effect all the same.
            raise CommitUncertain(describe(error) if is_foreseen else type(error).__name__) from error

    def roll_back(self) -> None:
        """Forget what happened since `begin`. SQLite may have done so by itself: some errors make it."""
        connection = self._connection
        if connection is not None and connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def _size_if_in_place(self) -> int:
        """The size of the database's file in bytes, if file and log are still those under their paths."""
        database, log = _opened(self._identity).stat_if_under_path(), _opened(self._log).stat_if_under_path()
        if database is None:
            raise StorageUnavailable(f"{self.path} is not the file that was opened")
        if log is None:
            raise LogReplaced(f"the log of {self.path} is not the file that was opened")
        self._log_size, self._size = log.st_size, database.st_size
        return database.st_size

    @property
    def is_log_long(self) -> bool:
        """Whether the log, as the last transaction left it, is much longer than its room."""
        return self._log_size > 2 * self._system.log_bytes

    def carry_over(self) -> None:
        """Carry the log over into the file, and overwrite it with zeros: only then is what was destroyed gone.

        Call it outside of a transaction.
        """
        if self._cut_off_holds_keys:
            # What is past the end of the database, as its last commit left it: SQLite will free these blocks.
            [[pages]] = self.execute("PRAGMA page_count")
            descriptor = _opened(self._identity).descriptor
            self._system.write_zeros(descriptor, pages * self.page_size, os.fstat(descriptor).st_size)
            self._system.sync(descriptor)
            self._cut_off_holds_keys = False
            self.execute(_CARRY_OVER)
        [[busy, frames, carried]] = self.execute("PRAGMA wal_checkpoint(RESTART)")
        if busy or frames != carried:
            raise StorageUnavailable("the log could not be carried over")
        _opened(self._log).wipe()
        self._log_size = 0

    def give_back(self) -> bool:
        """Cut some free pages off the file, if it has many; the next `carry_over` does so. False if it has not."""
        if not self.space.has_too_many_free_pages():
            return False
        # Pages move into the gaps, those of the key slots among them. What they leave must not be cut off as it is.
        self._cut_off_holds_keys = True
        self.execute(_DO_NOT_CARRY_OVER)
        with self.transaction():
            return self.space.give_back() > 0

    def take_room(self) -> None:
        """Make sure that there is room for new messages, and that the log has its own. DiskFull if there is not."""
        if not self._reserve_log():
            raise DiskFull("no room on the disk for the log")
        pages = self.space.pages()
        size, wanted = self._size_if_in_place(), pages.count * pages.size + ROOM_BYTES - pages.free * pages.size
        if size < wanted:
            grow(self._system, _opened(self._identity).descriptor, size, wanted)

    def _reserve_log(self) -> bool:
        """Take the log's room from the disk; False if the disk has not so much."""
        try:
            _opened(self._log).reserve()
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            return False
        return True

    def write_log_again(self) -> None:
        """Make durable what the log holds, after a sync of it failed. OSError if it fails again."""
        _opened(self._log).write_again()

    def disconnect(self) -> None:
        """Let go of SQLite's connection, whatever state it is in, and go on holding the file itself.

        SQLite carries over what it knows to be committed, if it can, and removes the log.
        """
        self._is_ready = False
        connection, self._connection = self._connection, None
        log, self._log = self._log, None
        try:
            with nullcontext() if log is None else log.kept(), suppress(sqlite3.Error):
                if connection is not None:
                    connection.close()
        finally:
            if log is not None:
                log.close()

    def close(self) -> None:
        """Let go of everything."""
        try:
            self.disconnect()
        finally:
            if self._identity is not None:
                self._identity.close()
                self._identity = None


def _opened(thing: T | None) -> T:
    if thing is None:
        raise StorageUnavailable("the database is not open")
    return thing


def _told(error: sqlite3.Error) -> Exception:
    """What is raised for an error of SQLite."""
    return DiskFull("SQLite finds no room") if is_full(error) else error


def _create(path: Path, system: System) -> None:
    """Make sure that the file exists, and that its name survives a power cut."""
    if path.exists():
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    system.sync_folder(path.parent)
