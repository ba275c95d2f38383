"""Where a message goes that was read. It is the last copy, so it has to arrive somewhere."""

import json
import os
import tempfile
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import IO, TextIO

import click

from crypt_api.client.envelope import Content


class Undelivered(Exception):
    """It was done, and its result could not be written where it was wanted. The text says where that is instead."""


@contextmanager
def reserved(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """The file, opened before anything is read; one that is new is removed again when nothing comes.

    Raises:
        UsageError: It cannot be written, or is there and not to be overwritten.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_open(path, "ab" if overwrite else "xb"))
        except FileExistsError:
            raise click.UsageError(f"{path} exists. --force overwrites it.") from None
        except OSError as error:
            raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None
        yield file


@contextmanager
def rescues(content: Content) -> Iterator[None]:
    """Whatever cannot be written within is saved in a file of its own.

    Raises:
        Undelivered: That was necessary.
    """
    try:
        yield
    except (OSError, UnicodeError, KeyboardInterrupt) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        reason = f"The message was read, but could not be written ({why})"
        try:
            handle, name = tempfile.mkstemp(prefix="crypt-api-")
            with os.fdopen(handle, "wb") as file:
                file.write(content.data)
        except OSError:
            raise Undelivered(f"{reason}, nor saved anywhere else: it is lost.") from None
        raise Undelivered(f"{reason}. It is saved as {name}.") from None


def write(content: Content, file: IO[bytes]) -> None:
    """Into a reserved file, instead of what may be in it."""
    if Path(file.name).is_file():  # and not a device, say
        file.truncate(0)
        with suppress(PermissionError):  # it is somebody else's, who let us write it
            Path(file.name).chmod(0o600)
    file.write(content.data)
    file.flush()


def save_under_its_name(content: Content) -> Path:
    """Into a new file here, which is given."""
    for path in _free_names(content.name or ""):
        try:
            with _open(path, "xb") as file:
                file.write(content.data)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # pragma: no cover


def show(content: Content, terminal: TextIO) -> str:
    """Text, for people: nothing in it moves the cursor or does what else a terminal can be made to do.

    Returns:
        What is to be said of that, if anything.
    """
    text = content.text.replace("\r\n", "\n")
    shown = visible(text)
    # A terminal that cannot show a character is given its number instead.
    click.echo(shown.encode(terminal.encoding, "backslashreplace").decode(terminal.encoding), file=terminal)
    return "" if shown == text else "Its control characters are shown as \\x and their code."


def visible(text: str) -> str:
    """With each control character, of those that a terminal would obey, as its code."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text)


def as_json(content: Content) -> str:
    if content.name is None:
        return json.dumps({"text": content.text})
    data = b64encode(content.data).decode()
    return json.dumps({"name": content.name, "media_type": content.media_type, "data_base64": data})


@contextmanager
def _open(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """A file that, if it is new, only its owner can read, and that is removed again when something goes wrong."""
    is_new = not path.exists()
    file = open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 - closed below
    try:
        yield file
        file.flush()
    except BaseException:
        if is_new:
            path.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):  # what could not be written has been told
            file.close()


def _free_names(name: str) -> Iterator[Path]:
    """The sender's name for a file, without a folder and without a trick, and more of its kind."""
    printable = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).lstrip(".")
    path = Path(printable or "message")
    return chain([path], (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2)))
