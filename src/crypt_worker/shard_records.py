"""The records of one shard, in the SQLite of its Durable Object.

The platform bills each row that is read or written. So keeping or removing a record writes one row: there is no rowid,
and the one index has only records with leases. A pass over the whole table reads each row twice.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from crypt_core.messages import expire
from crypt_core.record import Record, UnreadableRecord, decode, encode
from crypt_core.store import StorageUnavailable

Execute = Callable[..., Sequence[Sequence[Any]]]
"""Runs statements with their parameters, and returns all rows of the last one's result."""

# As `encode` writes it. In the text of a content, the quotes are escaped.
_HAS_LEASES = """instr(record, '"leases": [') > 0"""

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, due_at REAL, record TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS leased ON messages (due_at) WHERE {_HAS_LEASES};
CREATE TABLE IF NOT EXISTS passes (next_pass REAL)
"""

Expiry = tuple[Record, Record | None]
"""A record before and after its time was up."""


class DamagedRecord(StorageUnavailable):
    """The row is there, and cannot be read."""


class Table(NamedTuple):
    """What a pass has found out.

    Attributes:
        rows: All records.
        set_aside: Those that cannot be read.
        next_due: Unix time in seconds at which the next record is due; None if no record is.
    """

    rows: int
    set_aside: int
    next_due: float | None


class ShardRecords:
    """The table `messages`. A record that is due and cannot be read is set aside: its `due_at` is NULL from then on.

    No method awaits anything, so the platform commits all changes of one event at once, or none.
    """

    def __init__(self, execute: Execute) -> None:
        """Open the tables, and make them in a new shard."""
        self._execute = execute
        self._next_pass: float | None = None  # not read yet
        execute(_SCHEMA)

    def load(self, message_id: str) -> Record | None:
        """Load the record under an id. Raises `DamagedRecord`."""
        rows = self._execute("SELECT record FROM messages WHERE id = ?", message_id)
        return _decode(rows[0][0]) if rows else None

    def keep(self, message_id: str, before: Record | None, after: Record | None) -> None:
        """Replace the record `before`, which `load` returned, by `after`."""
        if after is before:
            return
        if after is None:
            self._execute("DELETE FROM messages WHERE id = ?", message_id)
        else:
            self._execute(
                "INSERT INTO messages (id, due_at, record) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, record = excluded.record",
                message_id,
                after.due_at,
                encode(after),
            )

    def end_leases(self, now: float, limit: int) -> list[Expiry]:
        """Expire up to `limit` records with leases. Only these are read, not the table."""
        rows = self._execute(
            f"SELECT id, record FROM messages WHERE {_HAS_LEASES} AND due_at <= ? LIMIT ?",  # noqa: S608
            now,
            limit,
        )
        return self._expire_all(rows, now)

    def next_lease_end(self) -> float | None:
        """Unix time in seconds; None if there is no lease."""
        rows = self._execute(f"SELECT min(due_at) FROM messages WHERE {_HAS_LEASES}")  # noqa: S608
        end: float | None = rows[0][0]
        return end

    def expire_after(self, message_id: str, now: float, limit: int) -> tuple[list[Expiry], str]:
        """Expire up to `limit` records whose ids follow `message_id`; return the last one's id if more may follow.

        In the order of ids, so that many batches read each row once all the same.
        """
        rows = self._execute(
            "SELECT id, record FROM messages WHERE id > ? AND due_at <= ? ORDER BY id LIMIT ?", message_id, now, limit
        )
        return self._expire_all(rows, now), rows[-1][0] if len(rows) == limit else ""

    def look_over(self) -> Table:
        """Read all rows, without their records."""
        [row] = self._execute("SELECT count(*), count(*) - count(due_at), min(due_at) FROM messages")
        return Table(*row)

    def is_empty(self) -> bool:
        return not self._execute("SELECT 1 FROM messages LIMIT 1")

    @property
    def next_pass(self) -> float:
        """Unix time in seconds before which there must be no other pass over the table."""
        if self._next_pass is None:
            rows = self._execute("SELECT next_pass FROM passes")
            self._next_pass = float(rows[0][0]) if rows else 0.0
        return self._next_pass

    @next_pass.setter
    def next_pass(self, time: float) -> None:
        self._execute("INSERT OR REPLACE INTO passes (rowid, next_pass) VALUES (1, ?)", time)
        self._next_pass = time

    def _expire_all(self, rows: Sequence[Sequence[Any]], now: float) -> list[Expiry]:
        return [expiry for message_id, text in rows if (expiry := self._expire(message_id, text, now)) is not None]

    def _expire(self, message_id: str, text: str, now: float) -> Expiry | None:
        """Expire a record that is due; None if it cannot be read, and is set aside."""
        try:
            before = _decode(text)
        except DamagedRecord:
            self._execute("UPDATE messages SET due_at = NULL WHERE id = ?", message_id)
            return None
        after = expire(before, now)
        self.keep(message_id, before, after)
        return before, after


def _decode(text: str) -> Record:
    try:
        return decode(text)
    except UnreadableRecord as error:
        raise DamagedRecord(f"a record cannot be read: {error}") from None
