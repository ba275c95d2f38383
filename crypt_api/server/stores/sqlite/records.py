"""Records in the tables of the file: the content encrypted, its key in a slot of its own, all else as JSON.

A transaction loads the records that it needs in one statement, decides in memory, and writes what has changed in a few
statements: a few for each group of commands, and not a few for each command.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from crypt_api.server.stores.sqlite.connection import RunSql, RunSqlMany
from crypt_api.server.stores.sqlite.key_slots import KEY_TABLES, KeySlots, decrypt, encrypt, new_keys
from crypt_core.record import Record, decode, encode
from crypt_core.store import StorageUnavailable

APPLICATION_ID = 0x43525950
"""`CRYP`: tells our files from any other SQLite database."""

VERSION = 3
"""Of the tables and of the records in them. A file of another version is refused."""

_TABLES = f"""
CREATE TABLE messages (id TEXT PRIMARY KEY, due_at REAL NOT NULL, record TEXT NOT NULL, slot INTEGER) WITHOUT ROWID;
CREATE INDEX messages_due_at ON messages (due_at);
CREATE TABLE contents (slot INTEGER PRIMARY KEY, content BLOB NOT NULL);
{KEY_TABLES.strip()}
CREATE TABLE reserve (pages BLOB NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
"""A message's row in `messages` names the slot of its key, which is also the number of its content. `record` has all
else, as JSON. So a lease, or a wrong passphrase, does not write a long content again. A tombstone has no slot."""

_FIELDS = [name for name in Record.__slots__ if name != "content"]
"""What `record` has."""

_NOT_LOADED = "(not loaded)"
"""Stands for the content of a record that was loaded without."""

_UNREADABLE = Record(None, 0.0)
"""Stands for a record that cannot be read."""

_SELECT_BY_ID = """
SELECT id, due_at, CAST(record AS BLOB), slot FROM messages WHERE id IN (SELECT value FROM json_each(?))
"""

# From the index alone: the sweep skips entries whose rows are on a damaged page.
_SELECT_IDS_DUE = "SELECT id FROM messages WHERE due_at <= ? ORDER BY due_at LIMIT ? OFFSET ?"

_SELECT_DUE = f"SELECT id, due_at, CAST(record AS BLOB), slot FROM messages WHERE id IN ({_SELECT_IDS_DUE})"  # noqa: S608


class UnreadableRow(StorageUnavailable):
    """The row is there, and cannot be read. It stays as it is until its time is up."""


class Row(NamedTuple):
    """A row of `messages`, without its id, as it is in the file."""

    due_at: float
    record: bytes
    slot: int | None


class RowChange(NamedTuple):
    """What a transaction does to the row of one id."""

    before: Row | None
    after: Row | None


class _ChangedRecord(NamedTuple):
    """An id whose record has changed in memory: its row in the file, and its record then and now."""

    message_id: str
    row: Row | None
    before: Record | None
    after: Record | None

    @property
    def slot(self) -> int | None:
        """The slot of the content, if that stays."""
        stays = self.before is not None and self.after is not None and self.after.content is self.before.content
        return self.row.slot if stays and self.row is not None else None

    @property
    def new_content(self) -> str | None:
        return None if self.after is None or self.slot is not None else self.after.content

    @property
    def given_up_slot(self) -> int | None:
        return None if self.row is None or self.slot is not None else self.row.slot


class Batch:
    """The records of one transaction: those that were loaded, with the changes made to them since."""

    def __init__(self, rows: dict[str, Row], contents: dict[int, tuple[bytes, bytes]]) -> None:
        """`contents` has key and encrypted content of the slots that were loaded."""
        self._rows = rows
        self._contents = contents
        self._loaded: dict[str, Record | None] = {}
        self._current: dict[str, Record | None] = {}

    def get(self, message_id: str) -> Record | None:
        """The record under the id. Its content is there if it was asked for in `Records.load`, else a stand-in.

        Raises:
            UnreadableRow: It cannot be read.
        """
        if message_id not in self._current:
            row = self._rows.get(message_id)
            record = None if row is None else self._record(message_id, row)
            self._loaded[message_id] = self._current[message_id] = record
        return self._current[message_id]

    def keep(self, message_id: str, record: Record | None) -> None:
        """Replace what `get` returned."""
        self._current[message_id] = record

    def remove_unreadable(self, message_id: str) -> None:
        """Remove a row that `get` could not read."""
        self._loaded[message_id] = _UNREADABLE
        self._current[message_id] = None

    def changed(self) -> list[_ChangedRecord]:
        """Each id whose record is not the one in the file any more."""
        return [
            _ChangedRecord(message_id, self._rows.get(message_id), self._loaded[message_id], record)
            for message_id, record in self._current.items()
            if record is not self._loaded[message_id]
        ]

    def _record(self, message_id: str, row: Row) -> Record:
        try:
            return decode(row.record.decode(), content=self._content(message_id, row.slot))
        except ValueError as error:  # of the content, the text, or the record
            raise UnreadableRow(f"a message cannot be read: {type(error).__name__}") from None

    def _content(self, message_id: str, slot: int | None) -> str | None:
        if slot is None:
            return None
        if slot not in self._contents:
            return _NOT_LOADED
        key, encrypted = self._contents[slot]
        return decrypt(key, message_id, encrypted)


class Records:
    """The tables. Call every method that changes something inside a transaction. SQLite's errors pass through."""

    def __init__(self, execute: RunSql, execute_many: RunSqlMany) -> None:
        self._execute = execute
        self._execute_many = execute_many
        self._slots = KeySlots(execute, execute_many)

    def are_missing(self, path: Path) -> bool:
        """Whether the database at `path`, which is open, is empty. Nothing is changed.

        Raises:
            StorageUnavailable: The database is another program's, or of another version.
        """
        [[application_id]] = self._execute("PRAGMA application_id")
        [[version]] = self._execute("PRAGMA user_version")
        [[tables]] = self._execute("SELECT count(*) FROM sqlite_schema")
        if not tables:
            return True
        if application_id != APPLICATION_ID:
            raise StorageUnavailable(f"cannot open {path}: it is another program's database")
        if version != VERSION:
            raise StorageUnavailable(
                f"cannot open {path}: its schema has version {version}, this crypt-api knows {VERSION}"
            )
        return False

    def create_tables(self) -> None:
        for statement in _TABLES.strip().splitlines():
            self._execute(statement)

    def rows(self, message_ids: Iterable[str]) -> dict[str, Row]:
        """The rows under these ids, as far as there are any."""
        rows = self._execute(_SELECT_BY_ID, json.dumps([*message_ids]))
        return {message_id: Row(*values) for message_id, *values in rows}

    def load(self, message_ids: Iterable[str], with_content: set[str]) -> Batch:
        """Load what is under these ids; of those in `with_content` the content, too."""
        rows = self.rows(message_ids)
        slots = [rows[message_id].slot for message_id in with_content if message_id in rows]
        return Batch(rows, self._encrypted_contents([slot for slot in slots if slot is not None]))

    def load_due(self, now: float, limit: int, skip: int) -> tuple[Batch, list[str]]:
        """Load up to `limit` records that are due at `now`, the longest due first, after the first `skip`."""
        due = self._execute(_SELECT_DUE, now, limit, skip)
        rows = {message_id: Row(*values) for message_id, *values in due}
        return Batch(rows, {}), [*rows]

    def ids_due(self, now: float, limit: int, skip: int) -> list[str]:
        """The ids of the records that `load_due` would load; read from the index alone."""
        return [message_id for (message_id,) in self._execute(_SELECT_IDS_DUE, now, limit, skip)]

    def write(self, batch: Batch) -> dict[str, RowChange]:
        """Write what has changed, and destroy what is gone, in the file; return the rows before and after."""
        changed = batch.changed()
        slots = self._keep_contents({it.message_id: it.new_content for it in changed if it.new_content is not None})
        self._destroy_contents([it.given_up_slot for it in changed if it.given_up_slot is not None])
        changes = {}
        for it in changed:
            after = None
            if it.after is not None:
                text = encode(it.after, _FIELDS).encode()
                after = Row(it.after.due_at, text, slots.get(it.message_id, it.slot))
            changes[it.message_id] = RowChange(it.row, after)
        self._write_rows(changes)
        return changes

    def _write_rows(self, changes: Mapping[str, RowChange]) -> None:
        gone = [(message_id,) for message_id, change in changes.items() if change.after is None]
        kept = [(message_id, *change.after) for message_id, change in changes.items() if change.after is not None]
        if gone:
            self._execute_many("DELETE FROM messages WHERE id = ?", gone)
        if kept:
            self._execute_many(
                "INSERT INTO messages (id, due_at, record, slot) VALUES (?, ?, CAST(? AS TEXT), ?) ON CONFLICT (id) "
                "DO UPDATE SET due_at = excluded.due_at, record = excluded.record, slot = excluded.slot",
                kept,
            )

    def _encrypted_contents(self, slots: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        if not slots:
            return {}
        rows = self._execute(
            "SELECT slot, CAST(key AS BLOB), coalesce(CAST(content AS BLOB), X'') "
            "FROM key_slots LEFT JOIN contents USING (slot) "
            "WHERE slot IN (SELECT value FROM json_each(?))",
            json.dumps(slots),
        )
        found = {slot: (key, content) for slot, key, content in rows}
        return {slot: found.get(slot, (b"", b"")) for slot in slots}

    def _keep_contents(self, contents: Mapping[str, str]) -> dict[str, int]:
        """Encrypt the contents of these ids, and keep them and their keys; return the slot of each."""
        if not contents:
            return {}
        keys = new_keys(len(contents))
        slots = self._slots.keep(keys)
        encrypted = [encrypt(key, *item) for key, item in zip(keys, contents.items(), strict=True)]
        self._execute_many("INSERT INTO contents (slot, content) VALUES (?, ?)", zip(slots, encrypted, strict=True))
        return dict(zip(contents, slots, strict=True))

    def _destroy_contents(self, slots: Sequence[int]) -> None:
        """Destroy keys and contents in these slots."""
        if slots:
            self._slots.destroy(slots)
            self._execute_many("DELETE FROM contents WHERE slot = ?", [(slot,) for slot in slots])

    def remove_unused_slots(self) -> None:
        """Give up the key slots, if no content is left."""
        if not self._execute("SELECT 1 FROM contents LIMIT 1"):
            self._slots.remove_all()

    def count_contents(self) -> int:
        """The messages whose content is there, or a number somewhat above that."""
        return self._slots.count_in_use()
