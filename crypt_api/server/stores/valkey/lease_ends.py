"""The ends that servers must see: of leases whose tombstone stays, and of messages whose senders want to be told.

Everything else expires with its key, by the engine. A sorted set has the keys of these messages by that time, and every
server looks at it.
"""

from pathlib import Path

from crypt_api.server.stores.valkey.connection import EngineCommand
from crypt_core.messages import expire
from crypt_core.record import Record

_SCRIPT = Path(__file__).with_suffix(".lua").read_bytes()

SWEEP_CHUNK = 64
"""Keys that one sweep takes from a set."""


TELLING_SECONDS = 300
"""How much longer than its message the key lives of which somebody is to be told: the time for a server to see it."""


def swept_at(record: Record | None) -> float | None:
    """Unix time in seconds at which a server changes the record; None if the engine alone sees to its end."""
    if record is not None and record.tells_end:
        return record.expires_at
    if record is None or record.due_at == record.expires_at or expire(record, record.due_at) is None:
        return None
    return record.due_at


def remember(ends: bytes, key: bytes, ends_at: float) -> EngineCommand:
    return (b"EVAL", _SCRIPT, 1, ends, repr(ends_at).encode(), key)


def over(ends: bytes, now: float, skipped: int = 0) -> EngineCommand:
    """Ask for keys whose time has come at `now`, without the first ones, `skipped` of them."""
    return (b"ZRANGE", ends, b"-inf", repr(now).encode(), b"BYSCORE", b"LIMIT", skipped, SWEEP_CHUNK)


def forget(ends: bytes, keys: list[bytes]) -> EngineCommand:
    return (b"ZREM", ends, *keys)
