"""The ends of leases after which the content of a sealed message must be destroyed while its tombstone stays.

Everything else expires with its key, by the engine. A sorted set has the keys of these messages by the end of their
lease, and every server looks at it.
"""

from pathlib import Path

from crypt_api.server.stores.valkey.connection import EngineCommand
from crypt_core.messages import expire
from crypt_core.record import Record

_SCRIPT = Path(__file__).with_suffix(".lua").read_bytes()

SWEEP_CHUNK = 64
"""Keys that one sweep takes from a set."""


def lease_end(record: Record | None) -> float | None:
    """Unix time in seconds at which the record becomes a tombstone; None if it never does by time alone."""
    if record is None or record.due_at == record.expires_at or expire(record, record.due_at) is None:
        return None
    return record.due_at


def remember(ends: bytes, key: bytes, ends_at: float) -> EngineCommand:
    return (b"EVAL", _SCRIPT, 1, ends, repr(ends_at).encode(), key)


def over(ends: bytes, now: float) -> EngineCommand:
    """Ask for keys whose lease is over at `now`."""
    return (b"ZRANGE", ends, b"-inf", repr(now).encode(), b"BYSCORE", b"LIMIT", 0, SWEEP_CHUNK)


def forget(ends: bytes, keys: list[bytes]) -> EngineCommand:
    return (b"ZREM", ends, *keys)
