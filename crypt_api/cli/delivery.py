"""Where `crypt-api read` puts a message. It is the last copy, so it has to arrive somewhere."""

import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import IO

import click

from crypt_api.cli.file_names import safe_file_name
from crypt_api.client.envelope import Content


class Undelivered(Exception):
    """The result could not be written where it was wanted. The text says where the result is instead."""


def print_result(text: str) -> None:
    """Write a line to stdout.

    Raises:
        Undelivered: It could not be written.
        BrokenPipeError: The program that reads stdout has enough.
    """
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Undelivered(f"The result could not be written ({error.strerror}). It is: {text}") from None


@contextmanager
def reserved(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Open the file before the message is read. A new file is removed again if the block fails.

    Raises:
        UsageError: The file cannot be written, or exists and is not to be overwritten.
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
    """Save the content in a temporary file if the block cannot write it.

    Raises:
        Undelivered: The block could not write the content.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is the last copy
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        reason = f"The message was read, but could not be written ({why})"
        try:
            name = _save(content.data)
            note = f", and its note as {_save(content.note.encode())}" if content.note else ""
        except OSError:
            raise Undelivered(f"{reason}, nor saved anywhere else: the message is lost.") from None
        raise Undelivered(f"{reason}. It is saved as {name}{note}.") from None


def write(content: Content, file: IO[bytes]) -> None:
    """Write the content into a reserved file, instead of what the file holds."""
    if Path(file.name).is_file():  # a device, say, has no length and keeps its mode
        file.truncate(0)
        with suppress(PermissionError):  # somebody else owns the file, and lets us write it
            Path(file.name).chmod(0o600)
    file.write(content.data)
    file.flush()


def save_under_its_name(content: Content) -> Path:
    """Save a file under the name that the sender gave it, or one like it, in this folder; give its path."""
    for path in _free_names(content.name or ""):
        try:
            with _open(path, "xb") as file:
                file.write(content.data)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # pragma: no cover


def as_json(content: Content) -> str:
    if content.name is None:
        return json.dumps({"text": content.text})
    note = {"note": content.note} if content.note else {}
    data = b64encode(content.data).decode()
    return json.dumps({"name": content.name, "media_type": content.media_type, "data_base64": data, **note})


def _save(data: bytes) -> str:
    """Save the data in a temporary file, which nobody else can read; give its path."""
    handle, name = tempfile.mkstemp(prefix="crypt-api-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return name


@contextmanager
def _open(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """Open a file. If the file is new, only its owner can read it, and it is removed when the block fails."""
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
        with suppress(OSError):  # the flush has reported what could not be written
            file.close()


def _free_names(name: str) -> Iterator[Path]:
    """Give the name for a file, and then numbered ones like it."""
    path = Path(safe_file_name(name))
    if path.name.startswith(".") and _is_home(Path()):
        path = Path(f"_{path.name}")  # in a home folder, shells and programs run what hidden files say
    return chain([path], (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2)))


def _is_home(folder: Path) -> bool:
    try:
        return folder.samefile(Path.home())
    except (OSError, RuntimeError):  # there is none
        return False
