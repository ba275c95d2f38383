"""Terminals: whether there is one, and what may be written to it."""

import sys
import unicodedata
from typing import TextIO

import click


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the stream. A stream that was closed is None."""
    return stream is not None and stream.isatty()


def check_stdout() -> None:
    """Raises UsageError if stdout is closed, and the result could not be written anywhere."""
    if sys.stdout is None:
        raise click.UsageError("There is nowhere to write to: stdout is closed.")


def visible(text: str) -> str:
    """Give the text with each control character as its code, so that the terminal obeys none of them.

    Lines and tabs stay. Otherwise, a text from elsewhere could move the cursor, clear the screen or worse.
    """
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text)


def show(text: str, terminal: TextIO) -> str:
    """Write the text for a person.

    Returns:
        A note for the person about what was changed; empty if nothing was.
    """
    text = text.replace("\r\n", "\n")
    shown = visible(text)
    # A terminal that cannot show a character gets the character's number instead.
    click.echo(shown.encode(terminal.encoding, "backslashreplace").decode(terminal.encoding), file=terminal)
    return "" if shown == text else "Control characters are shown as \\x and their code."
