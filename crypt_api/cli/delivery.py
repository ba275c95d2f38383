"""Where `crypt-api read` puts a message. It is the last copy, so it has to arrive somewhere."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from crypt_api.cli.unfinished_downloads import Unfinished
from crypt_api.client import Message
from crypt_api.client.messages import has_parts


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
def rescues(message: Message, address: str) -> Iterator[None]:
    """Save the message in a temporary folder if the block cannot write it.

    Raises:
        Undelivered: The block could not write the message.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is the last copy
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        reason = f"The message was read, but could not be written ({why})"
        try:
            where = rescued(message, address)
        except OSError:
            raise Undelivered(f"{reason}, nor saved anywhere else: the message is lost.") from None
        raise Undelivered(f"{reason}. {where}") from None


def as_json_text(message: Message, paths: list[Path]) -> str:
    files = [
        {"name": file.name, "media_type": file.media_type, "bytes": file.size, "path": str(path)}
        for file, path in zip(message.files, paths, strict=True)
    ]
    return json.dumps({"text": message.text, "files": files})


def rescued(message: Message, address: str) -> str:
    """Save the message in a temporary folder; give a sentence that says where. Raises OSError."""
    if has_parts(message):
        unfinished = Unfinished.start(message, address, Path(tempfile.mkdtemp(prefix="crypt-api-")))
        return f"{unfinished.resuming} saves it."
    names: list[str] = []
    try:
        names += (_save(file.read()) for file in message.files)
        if not message.files:
            names.append(_save(message.text.encode()))
        note = f", and its note as {_save(message.text.encode())}" if message.files and message.text else ""
    except OSError:
        if not names:
            raise
        return f"Only a part of it could be saved, as {', '.join(names)}: the rest is lost."
    return f"It is saved as {', '.join(names)}{note}."


def _save(data: bytes) -> str:
    """Save the data in a temporary file, which nobody else can read; give its path.

    Raises:
        OSError: That is not possible. Nothing of it is left.
    """
    handle, name = tempfile.mkstemp(prefix="crypt-api-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return name
