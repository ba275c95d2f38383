"""Compare-and-set, the only way in which a key changes, together with the life of the key.

Its reply is `OK`, or nothing where another write came first.
"""

from pathlib import Path

from crypt_api.server.stores.valkey.connection import EngineCommand

_SCRIPT = Path(__file__).with_suffix(".lua").read_bytes()

KEEP_LIFE = None
"""As a life: the key's own goes on."""


def create(key: bytes, new: bytes, life: int) -> EngineCommand:
    """Write a key that has no value. `life` is in milliseconds."""
    return (b"SET", key, new, b"NX", b"PX", life)


def replace(key: bytes, old: bytes, new: bytes, life: int | None) -> EngineCommand:
    """Write `new` over `old`, on servers that have `IFEQ` (Valkey 8.1, Redis 8.4)."""
    return (b"SET", key, new, b"IFEQ", old, *_life(life))


def replace_by_script(key: bytes, old: bytes, new: bytes, life: int | None) -> EngineCommand:
    """As `replace`, on every server, also on a full one. An empty `old` is a key that has no value."""
    return (b"EVAL", _SCRIPT, 1, key, old, new, *_life(life))


def _life(milliseconds: int | None) -> tuple[bytes | int, ...]:
    return (b"KEEPTTL",) if milliseconds is KEEP_LIFE else (b"PX", milliseconds)
