"""Records in an SQLite table. The server's file and a Durable Object's storage are read and written in the same way."""

from collections.abc import Callable, Sequence
from typing import Any

from crypt_core.messages import expire
from crypt_core.record import Record, decode, encode

Execute = Callable[..., Sequence[Sequence[Any]]]
"""Runs a statement with its parameters, and returns all rows of its result."""


class SqlRecords:
    """The table `messages`, one row a record. Each platform creates the table with the columns that it needs.

    Call every method inside a transaction. Errors of the database are not caught here.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def load(self, message_id: str) -> Record | None:
        rows = self._execute("SELECT record FROM messages WHERE id = ?", message_id)
        return decode(rows[0][0]) if rows else None

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

    def sweep(self, now: float, limit: int) -> list[tuple[Record, Record | None]]:
        """Expire up to `limit` records that are due at `now`; return each record before and after."""
        changes = []
        rows = self._execute("SELECT id, record FROM messages WHERE due_at <= ? LIMIT ?", now, limit)
        for message_id, encoded in rows:
            before = decode(encoded)
            after = expire(before, now)
            self.keep(message_id, before, after)
            changes.append((before, after))
        return changes

    def next_due(self) -> float | None:
        """Unix time in seconds of the next record that is due; None when the table is empty."""
        due_at: float | None = self._execute("SELECT min(due_at) FROM messages")[0][0]
        return due_at
