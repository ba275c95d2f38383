"""The open database: one process owns it, what it commits is durable, and it stays the file under its path.

See `wal` for the log, `room` for room on the disk, `files` for the path, `records` for what is in the tables.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from crypt_api.server.stores.sqlite.connection import describe, is_full
from crypt_api.server.stores.sqlite.files import DiskFull, HeldFile
from crypt_api.server.stores.sqlite.records import Batch, Records, RowChange
from crypt_api.server.stores.sqlite.storage_room import Room
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_api.server.stores.sqlite.wal import WriteAheadLog, adopt_reserve
from crypt_core.store import StorageUnavailable

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


class State(Enum):
    """How far the database is open."""

    CLOSED = "no connection"
    CONNECTED = "statements can be run; the log may hold what a crash left, or lack its room"
    READY = "open, and known to be writable"


class LogReplaced(StorageUnavailable):
    """The log was deleted or replaced while it was in use. SQLite still has it open: nothing is lost yet."""


class CommitUncertain(Exception):
    """A commit failed, or the file was replaced meanwhile: it must be found out whether it took effect."""


class Database:
    """The database at one path. For one thread at a time; SQLite's errors pass through, where not said otherwise.

    Attributes:
        state: How far it is open.
        room: Its room on the disk.
        records: Its tables. They are changed by `write`.
    """

    def __init__(self, path: Path, max_bytes: int = 0, system: System = REAL) -> None:
        """Open the file at `path`, or create it, readable for its owner only. `max_bytes` is its cap; 0 is none.

        Raises:
            StorageUnavailable: It is in use, not ours, of another version, or cannot be opened or written.
        """
        self.path = path.absolute()
        self.state = State.CLOSED
        self._real_path = Path(os.path.realpath(path))  # where SQLite keeps the log, if the path is a link
        self._system = system
        self.room = Room(self._real_path.parent, self.execute, max_bytes, system)
        self.records = Records(self.execute, self.execute_many)
        self._file: HeldFile | None = None  # from the first opening to the end
        self._connection: sqlite3.Connection | None = None  # unless closed, as the log
        self._log: WriteAheadLog | None = None
        self._cut_off_holds_keys = False
        try:
            self._create_file()
        except OSError as error:
            raise StorageUnavailable(f"cannot open {self.path}: {describe(error)}") from None
        try:
            self.make_ready()
        except BaseException:
            self.close()
            raise

    def _create_file(self) -> None:
        """Make sure that the file exists, and that its name survives a power cut.

        What is there and is no file is not given to SQLite: it would write its journal beside it.
        """
        if self._real_path.is_dir():
            raise StorageUnavailable(f"cannot open {self.path}: it is a folder; name a file in it")
        if self._real_path.exists() and not self._real_path.is_file():
            raise StorageUnavailable(f"cannot open {self.path}: it is a device, a pipe or a socket, and not a file")
        if not self._real_path.exists():
            os.close(os.open(self._real_path, os.O_CREAT | os.O_RDWR, 0o600))
            self._system.sync_folder(self._real_path.parent)

    # Opening and closing

    def make_ready(self) -> None:
        """Open the file if it is not open, and find out that it can be written. Nothing is done if that is known.

        Raises:
            StorageUnavailable: It cannot be opened or written; it stays closed.
        """
        if self.state is State.READY:
            return
        try:
            if self.state is State.CLOSED:
                self.connect()
            self.carry_over()  # a crash may have left something destroyed in the log
            _opened(self._log).take_room_to_start()
        except (sqlite3.Error, OSError, CommitUncertain) as error:
            self.disconnect()
            raise StorageUnavailable(f"cannot open {self.path}: {describe(error)}") from None
        except BaseException:
            self.disconnect()
            raise
        self.state = State.READY

    def connect(self) -> None:
        """Open the file that was opened before, and no other; the first time, the file under the path.

        Nothing is written, but the tables of an empty file.

        Raises:
            StorageUnavailable: It is in use, not ours, or not under the path.
        """
        if self._file is not None and not self._file.is_in_place():
            raise StorageUnavailable(f"{self.path} is not the file that was opened")
        adopt_reserve(self._real_path, self._system)
        self._system.sync_folder(self._real_path.parent)  # a log that SQLite removed must not come back
        try:
            self._connection = self._system.connect(self.path)
            are_tables_missing = self.records.are_missing(self.path)
            for setting in _SETTINGS:
                self.execute(setting)
            if are_tables_missing:
                self.begin()
                self.records.create_tables()
                self.execute("COMMIT")
            self.execute("SELECT count(*) FROM sqlite_schema")  # SQLite opens the log with the first look
            self._file = self._file or HeldFile(self.path)
            self._log = WriteAheadLog(self._real_path, self._system)
        except BaseException:
            self.disconnect()
            raise
        self.state = State.CONNECTED

    def disconnect(self) -> None:
        """Close SQLite's connection, whatever state it is in, and keep the file itself open.

        SQLite carries over what it knows to be committed, if it can, and removes the log.
        """
        self.state = State.CLOSED
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
        """Close everything."""
        try:
            self.disconnect()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    # Statements and transactions

    def execute(self, sql: str, *values: object) -> list[Any]:
        """Run one statement, and return all rows. DiskFull if it finds no room."""
        try:
            return _opened(self._connection).execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _translated(error) from None

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters. DiskFull if it finds no room."""
        try:
            _opened(self._connection).executemany(sql, rows)
        except sqlite3.Error as error:
            raise _translated(error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, durably and at once; or, when it raises, nothing of it.

        Raises:
            Exception: What happens inside, or what `prepare_commit` or `commit` raises.
        """
        self.begin()
        try:
            yield
            self.prepare_commit()
        except BaseException:
            self.roll_back()
            raise
        self.commit()

    def begin(self) -> None:
        """Start a transaction: `commit` or `roll_back` ends it."""
        self.execute("BEGIN IMMEDIATE")

    def write(self, batch: Batch) -> dict[str, RowChange]:
        """Write what has changed in the batch; return the rows before and after."""
        changes = self.records.write(batch)
        if any(change.before is not None for change in changes.values()):
            _opened(self._log).holds_destroyed = True
        return changes

    def prepare_commit(self, *, may_wait: bool = True) -> None:
        """Take from the disk what the commit adds to the file. Call it last in a transaction.

        Raises:
            DiskFull: There is no room.
            MustWait: Room must be taken, and `may_wait` is False.
            StorageUnavailable: The file is not under its path any more.
        """
        self.room.take_for_commit(self._file_in_place(), may_wait=may_wait)

    def commit(self) -> None:
        """Make durable what happened since `begin`. Each SQL call gives up the GIL, so this runs COMMIT alone.

        Raises:
            CommitUncertain: It is not known whether anything happened. The transaction has ended.
        """
        try:
            self.execute("COMMIT")
            self._file_in_place()
        except BaseException as error:
            self.roll_back()
            if not isinstance(error, Exception):
                raise
            is_foreseen = isinstance(error, sqlite3.Error | StorageUnavailable)
            # Another one, such as MemoryError: the commit may have taken effect all the same.
            raise CommitUncertain(describe(error) if is_foreseen else type(error).__name__) from error

    def roll_back(self) -> None:
        """Undo what happened since `begin`. SQLite may have done so already: some errors make it."""
        connection = self._connection
        if connection is not None and connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def _file_in_place(self) -> HeldFile:
        """The file, if database and log are still under their paths."""
        file, log = _opened(self._file), _opened(self._log)
        is_file_in_place, is_log_in_place = file.is_in_place(), log.is_in_place()
        if not is_file_in_place:
            raise StorageUnavailable(f"{self.path} is not the file that was opened")
        if not is_log_in_place:
            raise LogReplaced(f"the log of {self.path} is not the file that was opened")
        return file

    # The log, and room: call these outside of a transaction

    @property
    def is_log_long(self) -> bool:
        """Whether the log, as the last transaction left it, is much longer than its room."""
        return self._log is not None and self._log.is_long

    @property
    def must_carry_over(self) -> bool:
        """Whether something destroyed may still be in the files, or the log is long."""
        return self._log is None or self._log.holds_destroyed or self._log.is_long

    def carry_over(self) -> None:
        """Carry the log over into the file, and overwrite it with zeros: only then is what was destroyed gone."""
        if self._cut_off_holds_keys:
            # What is past the end of the database, as its last commit left it: SQLite will free these blocks.
            file = _opened(self._file)
            self._system.write_zeros(file.descriptor, self.room.pages().bytes, file.measure())
            self._system.sync(file.descriptor)
            self._cut_off_holds_keys = False
            self.execute(_CARRY_OVER)
        [[busy, frames, carried]] = self.execute("PRAGMA wal_checkpoint(RESTART)")
        if busy or frames != carried:
            raise StorageUnavailable("the log could not be carried over")
        _opened(self._log).wipe()

    def write_log_again(self) -> None:
        """Make durable what the log holds, after a sync of it failed. OSError if it fails again."""
        _opened(self._log).write_again()

    def give_back(self) -> bool:
        """Cut some free pages off the file, if it has many; the next `carry_over` does so. False if it has not."""
        if not self.room.has_too_many_free_pages():
            return False
        # Pages move into the gaps, those of the key slots among them. Their old places must be zeroed before the cut.
        self._cut_off_holds_keys = True
        self.execute(_DO_NOT_CARRY_OVER)
        with self.transaction():
            pages = self.room.give_back()
            _opened(self._log).holds_destroyed = True
        return pages > 0

    @property
    def needs_room_ahead(self) -> bool:
        """Whether the database grows, and has little room left."""
        return self._file is not None and self.room.is_short_ahead(self._file)

    def take_room_ahead(self) -> None:
        """Take room for the next commits. DiskFull on a full disk."""
        self.room.take_ahead(_opened(self._file))

    def take_room(self) -> None:
        """Make sure that there is room for new messages, and that the log has its own. DiskFull if there is not."""
        _opened(self._log).take_room()
        self.room.take_for_messages(self._file_in_place())


def _opened(thing: T | None) -> T:
    if thing is None:
        raise StorageUnavailable("the database is not open")
    return thing


def _translated(error: sqlite3.Error) -> Exception:
    return DiskFull("SQLite finds no room") if is_full(error) else error
