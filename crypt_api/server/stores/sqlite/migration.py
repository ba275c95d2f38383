"""A file of schema version 1 becomes one of version 2: all of it, or nothing.

Version 1 had messages in plain text, and SQLite leaves copies of rows in pages where it moved them. So the new version
is written into a new file, in one transaction, and takes the old one's name when it is on the disk. Until that moment
the old file is whole and untouched. Then the old one is overwritten with zeros.
"""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from crypt_api.server.stores.sqlite import schema
from crypt_api.server.stores.sqlite.connection import open_exclusively
from crypt_api.server.stores.sqlite.durable_files import sync, sync_folder, write_zeros
from crypt_api.server.stores.sqlite.records import Batch, Records
from crypt_core.record import decode

_CHUNK = 256
"""Records in memory at a time."""

logger = logging.getLogger(__name__)


def migrate(path: Path) -> None:
    """Bring the file of version 1 at `path`, which is no link, up to version 2; needs as much room again.

    Raises:
        StorageUnavailable: The file is in use.
        sqlite3.Error, OSError: It cannot be read, or the new one cannot be written. The file is as it was.
    """
    new_path = path.with_name(path.name + "-new")
    old_file = os.open(path, os.O_RDWR)  # to reach it when its name is gone
    try:
        with closing(open_exclusively(path)) as old:
            old.execute("PRAGMA journal_mode = DELETE")  # carries its log over: the new file must not find one
            count = _write_new(old, new_path, path.stat().st_mode & 0o777)
            new_path.rename(path)
            sync_folder(path.parent)
        write_zeros(old_file, 0, os.fstat(old_file).st_size)
        sync(old_file)
    finally:
        os.close(old_file)
        new_path.unlink(missing_ok=True)  # of a migration that broke off
    logger.warning("%s is of schema version %d now; it has %d records", path, schema.VERSION, count)


def _write_new(old: sqlite3.Connection, path: Path, mode: int) -> int:
    """Write what `old` has into a new file at `path`, and sync it; return the number of records."""
    path.unlink(missing_ok=True)  # of a migration that crashed
    file = os.open(path, os.O_CREAT | os.O_RDWR, mode)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as new:
            count = _copy(old, new)
        sync(file)
    finally:
        os.close(file)
    return count


def _copy(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Write what `old` has into the empty database `new`; return the number of records."""

    def execute(sql: str, *values: object) -> list[tuple[object, ...]]:
        return new.execute(sql, values).fetchall()

    new.execute("PRAGMA auto_vacuum = INCREMENTAL")
    new.execute("PRAGMA journal_mode = OFF")  # a migration that breaks off begins again with an empty file
    new.execute("BEGIN")
    schema.create(execute)
    records = Records(execute, new.executemany)
    rows = old.execute("SELECT id, due_at, CAST(record AS BLOB) FROM messages")
    count = 0
    while chunk := rows.fetchmany(_CHUNK):
        batch = Batch({}, {})
        for message_id, due_at, text in chunk:
            try:
                record = decode(text.decode())
            except ValueError:
                # It cannot be read. As it is, it goes when its time is up.
                execute("INSERT INTO messages VALUES (?, ?, CAST(? AS TEXT), NULL)", message_id, due_at, text)
            else:
                batch.get(message_id)
                batch.keep(message_id, record)
        records.write(batch)
        count += len(chunk)
    new.execute("COMMIT")
    return count
