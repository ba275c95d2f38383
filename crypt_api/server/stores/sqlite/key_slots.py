"""Where the keys of contents lie: in slots that are overwritten in place, so that a destroyed key leaves no copy.

SQLite moves rows between pages when it inserts and deletes, and leaves stale copies of them behind, `secure_delete` or
not. A row that is overwritten by one of the same size stays where it is. So slots are never deleted while a key is in
any of them: a free slot holds zeros, and the table grows by many zeroed slots at a time, at its end, where SQLite
starts new pages and moves no row. (A page as a whole may still move towards the front of the file when room is given
back; then its old place is past the file's end, and `SqliteFile.carry_over` overwrites that.)
"""

from collections.abc import Sequence

from crypt_api.server.stores.sqlite.content_encryption import KEY_BYTES
from crypt_api.server.stores.sqlite.statements import Execute, ExecuteMany

GROWTH = 256
"""Slots that are added at a time."""

MANY = 16 * GROWTH
"""Slots that are kept even when none is in use: 160 KB."""

MAX_COUNTED = 20_000
"""Free slots that are counted at most, so that counting takes no more than a few milliseconds."""

_FREE = bytes(KEY_BYTES)

# The index holds the numbers of the free slots, and no key.
SCHEMA = f"""
CREATE TABLE key_slots (slot INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE INDEX free_key_slots ON key_slots (slot) WHERE key = X'{_FREE.hex()}';
"""

# A slot with a content is not free, whatever happened to its key.
_FIND_FREE = f"""
SELECT slot FROM key_slots WHERE key = X'{_FREE.hex()}'
AND NOT EXISTS (SELECT 1 FROM contents WHERE contents.slot = key_slots.slot) LIMIT ?
"""  # noqa: S608 - a constant

_GROW = """
WITH RECURSIVE new (slot) AS (
    SELECT coalesce(max(slot), 0) + 1 FROM key_slots UNION ALL SELECT slot + 1 FROM new LIMIT ?
)
INSERT INTO key_slots SELECT slot, ? FROM new
"""

_OVERWRITE = "UPDATE key_slots SET key = ? WHERE slot = ?"


_COUNT = f"""
SELECT coalesce((SELECT max(slot) FROM key_slots), 0)
- (SELECT count(*) FROM (SELECT 1 FROM key_slots WHERE key = X'{_FREE.hex()}' LIMIT {MAX_COUNTED}))
"""  # noqa: S608 - constants


class KeySlots:
    """The table `key_slots`. Call every method inside a transaction."""

    def __init__(self, execute: Execute, execute_many: ExecuteMany) -> None:
        self._execute = execute
        self._execute_many = execute_many

    def keep(self, keys: Sequence[bytes]) -> list[int]:
        """Put each key into a free slot, and return the slots' numbers."""
        rows = self._execute(_FIND_FREE, len(keys))
        while len(rows) < len(keys):
            self._execute(_GROW, GROWTH, _FREE)
            rows = self._execute(_FIND_FREE, len(keys))
        slots = [slot for (slot,) in rows]
        self._execute_many(_OVERWRITE, zip(keys, slots, strict=True))
        return slots

    def destroy(self, slots: Sequence[int]) -> None:
        """Overwrite the keys in these slots with zeros; the slots are free."""
        self._execute_many(_OVERWRITE, [(_FREE, slot) for slot in slots])

    def count_in_use(self) -> int:
        """The number of slots with a key; more than that if very many are free. It looks at no slot with a key."""
        [[count]] = self._execute(_COUNT)
        return int(count)

    def remove_all(self) -> None:
        """Give up all slots, if they are many. Only when no slot holds a key: then their pages hold but zeros."""
        [[last]] = self._execute("SELECT max(slot) FROM key_slots")
        if last is not None and last > MANY:
            self._execute("DELETE FROM key_slots")
