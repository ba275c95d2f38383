"""The password that `send --generate` makes, so that nobody has to think of one, or needs a program for it."""

import secrets

import click

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1, which look like others. The page has the same (`generated.js`)."""

LENGTH = 24
"""119 bits: 24 times log2(31)."""

MIN_LENGTH = 12
"""59 bits."""

MAX_LENGTH = 1_000


def generate(length: int) -> str:
    """Draw a password from the operating system's randomness."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def given_generated(length: int | None, *, is_shown: bool, is_alone: bool) -> str | None:
    """The password that is asked for; None if none is.

    Raises:
        UsageError: There is something else to send, or nothing to show.
    """
    if length is None:
        if is_shown:
            raise click.UsageError("--show shows what --generate has made.")
        return None
    if not is_alone:
        raise click.UsageError("--generate makes the message: give no TEXT and no --file.")
    return generate(length)
