"""Records in an SQLite table: the file of a server and the storage of a Durable Object are read and written alike."""

from collections.abc import Callable, Sequence
from typing import Any

from crypt_core.messages import age
from crypt_core.record import Record, decode, encode

Execute = Callable[..., Sequence[Sequence[Any]]]
"""Runs a statement with its parameters; gives all rows of its result."""


class RecordTable:
    """The table `messages`: one row a record, as wide as its own home makes it.

    Every method belongs inside the caller's transaction; what the database raises goes through.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def load(self, message_id: str) -> Record | None:
        rows = self._execute("SELECT record FROM messages WHERE id = ?", message_id)
        return decode(rows[0][0]) if rows else None

    def keep(self, message_id: str, before: Record | None, after: Record | None) -> None:
        """Make `after` of `before`, which is what `load` gave."""
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
        """Let time do its work on up to `limit` records that are due; give each as it was and as it is now."""
        changes = []
        rows = self._execute("SELECT id, record FROM messages WHERE due_at <= ? LIMIT ?", now, limit)
        for message_id, encoded in rows:
            before = decode(encoded)
            after = age(before, now)
            self.keep(message_id, before, after)
            changes.append((before, after))
        return changes

    def next_due(self) -> float | None:
        """When there will be something to sweep (Unix time in seconds); None when the table is empty."""
        due_at: float | None = self._execute("SELECT min(due_at) FROM messages")[0][0]
        return due_at
