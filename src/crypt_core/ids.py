"""The ids of plain messages."""

import re
import secrets

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
MIN_LENGTH = 5
MAX_LENGTH = 20
"""22 characters are the ids that clients derive for sealed messages; the two must never meet."""

_ID = re.compile(rf"[a-z0-9]{{{MIN_LENGTH},{MAX_LENGTH}}}", re.ASCII)


def generate(length: int) -> str:
    """Draw an id of `length` characters, uniformly, from the operating system's CSPRNG."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def is_possible(text: str) -> bool:
    """Whether any setting of the id's length could have made this one: a message outlives a change of it."""
    return _ID.fullmatch(text) is not None
