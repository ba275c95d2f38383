"""Terminals: whether there is one, and what may be written to it."""

import sys
import unicodedata
from contextlib import suppress
from typing import TextIO

import click

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control and format characters, halves of characters, and separators of lines."""

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the stream. A stream that was closed is None."""
    return stream is not None and stream.isatty()


def tell(text: str) -> None:
    """Write a line to stderr. Where that cannot be written, the command goes on: its result goes to stdout."""
    with suppress(OSError):
        click.echo(text, err=True)


def check_stdout() -> None:
    """Raises UsageError if stdout is closed, and the result could not be written anywhere."""
    if sys.stdout is None:
        raise click.UsageError("There is nowhere to write to: stdout is closed.")


def check_stderr() -> None:
    """Raises UsageError if stderr is closed, and what belongs to the result could not be written there."""
    if sys.stderr is None:
        raise click.UsageError("A part of the result is for stderr, which is closed.")


def visible(text: str, *, lines: bool = True) -> str:
    """Give a text from elsewhere in a form that neither the terminal nor a reader takes for something else.

    Control characters could move the cursor, clear the screen or worse. Format characters could show the text in
    another order, or hide parts of it. Each of them becomes its code, but for tabs, for ends of lines where there are
    `lines`, and for the two joiners that scripts and emojis need.
    """
    kept = "\t\n" if lines else ""
    return "".join(c if c in kept or not _is_hidden(c) else c.encode("unicode_escape").decode() for c in text)


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS


def show(text: str, terminal: TextIO) -> str:
    """Write the text for a person.

    Returns:
        A note for the person about what was changed; empty if nothing was.
    """
    text = text.replace("\r\n", "\n")
    shown = visible(text)
    # A terminal that cannot show a character gets the character's number instead.
    click.echo(shown.encode(terminal.encoding, "backslashreplace").decode(terminal.encoding), file=terminal)
    return "" if shown == text else "Control characters are shown as \\ and their code."
