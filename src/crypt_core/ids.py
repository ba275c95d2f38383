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


class _RandomNumbers:
    """Numbers from the operating system's CSPRNG, many from one call, since each call gives up the GIL."""

    _BYTES = 20  # 36 ** 20 has 104 bits: of 160 bits, no remainder is likelier than another by more than 2 ** -56
    _COUNT = 64

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def below(self, end: int) -> int:
        if not self._waiting:
            drawn, size = secrets.token_bytes(self._COUNT * self._BYTES), self._BYTES
            self._waiting = [int.from_bytes(drawn[at : at + size], "big") for at in range(0, len(drawn), size)]
        return self._waiting.pop() % end


_random = _RandomNumbers()


def generate(length: int) -> str:
    """Draw an id of `length` characters, uniformly, from the operating system's CSPRNG."""
    number = _random.below(len(ALPHABET) ** length)
    characters = []
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[place])
    return "".join(characters)


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
