"""The keys of contents: each content is encrypted under a random key of its own, and the keys lie in slots.

Destroying a key of 32 bytes destroys the content, wherever SQLite and the disk still have copies of it. The key lies in
the same file as the content: this protects what is destroyed, not what waits.

A destroyed key must leave no copy. SQLite moves rows between pages when it inserts and deletes, and leaves stale
copies of them behind, `secure_delete` or not. A row that is overwritten by one of the same size stays where it is. So
slots are never deleted while a key is in any of them: a free slot holds zeros, and the table grows by many zeroed slots
at a time, at its end, where SQLite starts new pages and moves no row. (A page as a whole may still move towards the
front of the file when room is given back; then its old place is past the file's end, and `Database.carry_over`
overwrites that.)
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypt_api.server.stores.sqlite.connection import RunSql, RunSqlMany

FORMAT = b"\x01"
"""The first byte of every encrypted content. Another format gets another one."""

KEY_BYTES = 32
"""AES-256."""

_NONCE = bytes(12)
"""Always the same one: a key encrypts one content, once (NIST SP 800-38D asks for no more)."""

_GROWTH = 256
"""Slots that are added at a time."""

_MANY = 16 * _GROWTH
"""Slots that are kept even when none is in use: 160 KB."""

_MAX_COUNTED = 20_000
"""Free slots that are counted at most, so that counting takes no more than a few milliseconds."""

_FREE = bytes(KEY_BYTES)

# The index holds the numbers of the free slots, and no key.
KEY_TABLES = f"""
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
- (SELECT count(*) FROM (SELECT 1 FROM key_slots WHERE key = X'{_FREE.hex()}' LIMIT {_MAX_COUNTED}))
"""  # noqa: S608 - constants


class DamagedContentError(ValueError):
    """These bytes were not encrypted under this key for this id, or have an unknown format."""


def new_keys(count: int) -> list[bytes]:
    """Random keys, from one call of the system: each call gives up the GIL."""
    random = os.urandom(count * KEY_BYTES)
    return [random[start : start + KEY_BYTES] for start in range(0, len(random), KEY_BYTES)]


def encrypt(key: bytes, message_id: str, content: str) -> bytes:
    """Encrypt `content` with AES-256-GCM; format and id are authenticated with it."""
    return FORMAT + AESGCM(key).encrypt(_NONCE, content.encode(), _associated_data(message_id))


def decrypt(key: bytes, message_id: str, encrypted: bytes) -> str:
    """Return what `encrypt` was given.

    Raises:
        DamagedContentError: Key, id and encrypted content do not belong together.
    """
    if encrypted[:1] != FORMAT:
        raise DamagedContentError("unknown format")
    try:
        return AESGCM(key).decrypt(_NONCE, encrypted[1:], _associated_data(message_id)).decode()
    except (InvalidTag, ValueError):  # ValueError: a key or a content of an impossible length
        raise DamagedContentError("not what was encrypted") from None


def _associated_data(message_id: str) -> bytes:
    return FORMAT + message_id.encode()


class KeySlots:
    """The table `key_slots`. Call every method inside a transaction."""

    def __init__(self, execute: RunSql, execute_many: RunSqlMany) -> None:
        self._execute = execute
        self._execute_many = execute_many

    def keep(self, keys: Sequence[bytes]) -> list[int]:
        """Put each key into a free slot, and return the slots' numbers."""
        rows = self._execute(_FIND_FREE, len(keys))
        while len(rows) < len(keys):
            self._execute(_GROW, _GROWTH, _FREE)
            rows = self._execute(_FIND_FREE, len(keys))
        slots = [slot for (slot,) in rows]
        self._execute_many(_OVERWRITE, zip(keys, slots, strict=True))
        return slots

    def destroy(self, slots: Sequence[int]) -> None:
        """Overwrite the keys in these slots with zeros; the slots are free."""
        self._execute_many(_OVERWRITE, [(_FREE, slot) for slot in slots])

    def count_in_use(self) -> int:
        """The number of slots with a key; more than that if very many are free. It reads no slot with a key."""
        [[count]] = self._execute(_COUNT)
        return int(count)

    def remove_all(self) -> None:
        """Delete all slots, if they are many. Call it only when every slot is zeroed."""
        [[last]] = self._execute("SELECT max(slot) FROM key_slots")
        if last is not None and last > _MANY:
            self._execute("DELETE FROM key_slots")
