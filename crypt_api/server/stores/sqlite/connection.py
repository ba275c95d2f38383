"""SQLite's connection to a database that no other process may have open, and what SQLite's errors mean."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from crypt_core.store import StorageUnavailable

RunSql = Callable[..., Sequence[Sequence[Any]]]
"""Runs a statement with its parameters, and returns all rows of its result."""

RunSqlMany = Callable[[str, Iterable[Sequence[Any]]], object]
"""Runs a statement once for each row of parameters."""


def open_exclusively(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Open the database at `path`, which must exist, and lock it for this connection until that is closed.

    `factory` makes the connection.

    Raises:
        StorageUnavailable: Another process has it open.
    """
    database = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
    )
    try:
        if not path.stat().st_size:  # this must come first, and only into an empty file: it writes
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # so that free pages at any place can be given back
        # The lock is taken with the first transaction, and kept.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except (OSError, sqlite3.Error) as error:
        database.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise StorageUnavailable(f"cannot open {path}: it is in use by another process") from None
        raise
    return database


def is_full(error: sqlite3.Error) -> bool:
    """Whether SQLite found no room."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def is_corrupt(error: BaseException) -> bool:
    """Whether SQLite found a page damaged ("database disk image is malformed")."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def describe(error: BaseException) -> str:
    """Say what went wrong, for the log. A text of SQLite without an error code may quote a value, and is left out."""
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", None)
        return f"{error} ({name})" if name else type(error).__name__
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)
