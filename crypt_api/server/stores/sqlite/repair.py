"""Bits that have flipped on the disk, in what SQLite finds rows by: they are looked for, and the table is built anew.

A flipped bit in an id, or in a due time, breaks the order of the table or of its index. SQLite has no checksums: it
then finds no row where there is one, and tells nothing. That row would be missing for its reader, and would stay in the
file beyond its time; so might many beside it. A walk over the table meets each row, whatever its order.
"""

import re

from crypt_api.server.stores.sqlite import schema
from crypt_api.server.stores.sqlite.database import SqliteFile

STEP = 250
"""Rows of one step: less than a millisecond. On a quiet disk, a million rows take half an hour."""

# The index that is named is the table itself. (`NOT INDEXED` would let SQLite read the other one.) All comes as one
# row: with each row of a result, a thread waits for its turn, which beside a busy event loop took ten times the walk.
_WALK = """
SELECT group_concat(hex(id), ' '), min(is_found) FROM (
    SELECT id, EXISTS (
        SELECT 1 FROM messages AS entry INDEXED BY messages_due_at
        WHERE entry.due_at = row.due_at AND entry.id = row.id
    ) AS is_found
    FROM messages AS row INDEXED BY sqlite_autoindex_messages_1 WHERE id > CAST(? AS TEXT) ORDER BY id LIMIT ?
)
"""

_IDS = re.compile(rb"[\w-]*")
"""What ids are made of."""

# Where there are no leases, the record's own time tells when it is due. A row without a time is due at once.
_COPY = """
INSERT OR IGNORE INTO rebuilt
SELECT id, coalesce(
    CASE json_valid(record) WHEN 1 THEN
        CASE WHEN json_type(record, '$.holds') IS NULL THEN CAST(json_extract(record, '$.expires_at') AS REAL) END
    END, due_at, 0.0), coalesce(record, ''), slot
FROM messages INDEXED BY sqlite_autoindex_messages_1 WHERE id NOT GLOB '*[^-_0-9A-Za-z]*'
"""

_OF_NO_ROW = "SELECT slot FROM contents WHERE slot NOT IN (SELECT slot FROM messages WHERE slot IS NOT NULL)"


class Patrol:
    """Walks over the table, a step a call, and begins again at its end."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._last = b""

    def finds_damage(self) -> bool:
        """Whether the next rows are out of order, or the index does not lead to one of them."""
        [[text, are_found]] = self._file.execute(_WALK, self._last, STEP)
        ids = [] if text is None else [bytes.fromhex(part) for part in text.split(" ")]
        self._last = ids[-1] if len(ids) == STEP else b""
        return ids != sorted(ids) or not _IDS.fullmatch(b"".join(ids)) or are_found == 0


def rebuild(file: SqliteFile) -> None:
    """Write the table and its index anew, from the rows as they lie. The contents stay, but for those of no row.

    Raises:
        sqlite3.Error, StorageUnavailable: It failed, for a page that is damaged, say. Nothing has changed.
    """
    with file.transaction():
        file.execute(f"CREATE TABLE rebuilt {schema.COLUMNS}")
        file.execute(_COPY)
        file.execute("DROP TABLE messages")
        file.execute("ALTER TABLE rebuilt RENAME TO messages")
        file.execute(schema.DUE_TIMES)
        file.records.destroy_contents([slot for (slot,) in file.execute(_OF_NO_ROW)])
