"""The ids of messages: short ones that the service draws, and long ones that clients derive for sealed messages."""

import re
import secrets

from crypt_core.encoding import SEALED_ID_BYTES, decode_base64url

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
MIN_LENGTH = 5
SEALED_ID_LENGTH = 22
MAX_LENGTH = 20
"""Shorter than a sealed message's id, so that the two never meet."""

_PLAIN = re.compile(rf"[a-z0-9]{{{MIN_LENGTH},{MAX_LENGTH}}}", re.ASCII)

_LETTERS_OF_BYTES = (ALPHABET * 8)[:256].encode()
_UNEVEN = bytes(range(252, 256))
"""Bytes that are dropped: of the 252 others, 7 give each letter."""


class _Letters:
    """Random letters from the operating system's CSPRNG, many from one call, since each call gives up the GIL."""

    _BYTES = 1_024

    def __init__(self) -> None:
        self._waiting = ""

    def take(self, count: int) -> str:
        while len(self._waiting) < count:
            self._waiting += secrets.token_bytes(self._BYTES).translate(_LETTERS_OF_BYTES, _UNEVEN).decode()
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken


generate = _Letters().take
"""Draw an id of so many characters, uniformly, from the operating system's CSPRNG."""


def length_for(messages: int) -> int:
    """The shortest length at which this many live messages are safe from a client that guesses for a day.

    It makes 86,400 times 3 guesses, and finds one of the messages with a probability of 0.01 or less.
    """
    guesses = 86_400 * 3
    length = MIN_LENGTH
    while len(ALPHABET) ** length < messages * guesses * 100 and length < MAX_LENGTH:
        length += 1
    return length


def is_plain(text: str) -> bool:
    """Whether this is an id of any length that the setting allows: a message outlives a change of the setting."""
    return _PLAIN.fullmatch(text) is not None


def is_sealed(text: str) -> bool:
    """Whether the text is the one way to write 16 bytes in base64url."""
    return len(text) == SEALED_ID_LENGTH and decode_base64url(text, SEALED_ID_BYTES) is not None
