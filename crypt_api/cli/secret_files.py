"""Secrets that are given to a command otherwise than as an argument: in a file, on stdin, or in the environment.

Every user of the machine sees arguments, and the shell keeps them.
"""

import codecs
import os
import sys
from pathlib import Path
from typing import Any

import click

STDIN = Path("-")
MAX_LINE = 1_000_000
"""Bytes. A file that never ends is no secret."""


class SecretFile(click.Path):
    """The path of a file that holds a secret. No error quotes it: somebody may have given the secret itself."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, allow_dash=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail("there is no such file, or it cannot be read.", param, ctx)


_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Editors and shells of Windows begin files with a byte order mark."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def given_secret(file: Path | None, variable: str) -> str | None:
    """Give the first line of the file, or else of what the variable holds; None without a file and a variable.

    Raises:
        UsageError: There is no secret where there should be one. To go on without it would protect nothing.
    """
    value = os.environ.get(variable)
    if file is None and not value:
        return None
    place = variable if file is None else "stdin" if file == STDIN else str(file)
    try:
        secret = first_line(os.fsencode(value or "") if file is None else _read(file))
    except OSError as error:
        raise click.UsageError(f"{place} cannot be read: {error.strerror}.") from None
    if not secret:
        raise click.UsageError(f"The first line of {place} is empty.")
    return secret


def first_line(data: bytes) -> str:
    """Give the first line, without its end.

    Bytes that are not text are let through here. They are refused where the secret is used.
    """
    encoding = next((encoding for mark, encoding in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
    text = data.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "replace")
    return text.partition("\n")[0].rstrip("\r")


def _read(file: Path) -> bytes:
    if file != STDIN:
        with file.open("rb") as stream:
            return stream.read(MAX_LINE)
    if sys.stdin is None:
        return b""
    line = sys.stdin.buffer.readline(MAX_LINE)
    # In UTF-16, this line may end within a character.
    return line + sys.stdin.buffer.read(MAX_LINE) if line.startswith(_UTF_16) else line
