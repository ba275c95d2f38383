"""What a command sends: a text, as an argument, from stdin or typed; and files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click

from crypt_api.cli.attached_files import attachments
from crypt_api.cli.terminal import is_terminal
from crypt_api.cli.typed import typed_message
from crypt_api.client import Attachment
from crypt_api.client.content import MAX_CONTENT_BYTES, check_size


def given_content(
    text: str | None, paths: Sequence[Path], what: str, *, text_only: bool = False
) -> tuple[str, list[Attachment]]:
    """The text, and the files. What comes from stdin is a file if it is no text, or too large for one.

    Without files, and without a text or with `-`, the text comes from stdin. `what` is the word for it, such as
    `message`.

    Raises:
        UsageError: There is nothing to send, or a file cannot be sent.
        ContentTooLarge: The text is too large, and cannot become a file: because of `text_only`, or it was typed.
    """
    if paths:
        return given_text("" if text is None else text, "note"), attachments(paths)
    if text and text != "-":
        return text, []
    data = b"" if text == "" else _stdin(what)
    if not data:
        raise click.UsageError("There is nothing to send.")
    if len(data) > MAX_CONTENT_BYTES:
        if text_only or is_terminal(sys.stdin):
            check_size(data)
        return "", [Attachment(_Rejoined(data, sys.stdin.buffer), "stdin")]
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        return "", [Attachment(data, "stdin")]


def given_text(text: str, what: str) -> str:
    """The text; `-` is what comes from stdin, which may be nothing.

    Raises:
        UsageError: It is no text.
        ContentTooLarge: It is too large.
    """
    if text != "-":
        return text
    try:
        data = _stdin(what)
        check_size(data)
        return data.decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"The {what} is not text in UTF-8.") from None


class _Rejoined:
    """A stream whose beginning was read already."""

    def __init__(self, beginning: bytes, rest: BinaryIO) -> None:
        self._beginning = beginning
        self._rest = rest

    def read(self, count: int, /) -> bytes:
        data, self._beginning = self._beginning[:count], self._beginning[count:]
        return data or self._rest.read(count)


def _stdin(what: str) -> bytes:
    """What comes from stdin, or more of it than fits into a message."""
    if sys.stdin is None:
        return b""
    if is_terminal(sys.stdin):
        prompt = f"Type the {what}; end it with Enter and Ctrl-D."
        return typed_message(prompt, MAX_CONTENT_BYTES + 1).removesuffix(b"\n")
    return sys.stdin.buffer.read(MAX_CONTENT_BYTES + 1)
