"""The places that `crypt-api read` can write to: stdout, a new file, and a folder."""

import io
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

import click

from crypt_api.cli.new_files import NewFiles, complete, part_of
from crypt_api.cli.terminal import check_stdout, is_terminal, show
from crypt_api.cli.unfinished_downloads import Unfinished, unfinished_at, unfinished_in
from crypt_api.client import File, Message
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.messages import has_parts

TEXT_NAME = "message.txt"


@dataclass(frozen=True)
class Delivered:
    """What was written.

    Attributes:
        paths: The files.
        unfinished: The download that is left to do, when the message is acknowledged.
        said: A sentence about that; empty if there is none.
        is_elsewhere: Whether that is not where the message was wanted.
    """

    paths: list[Path] = field(default_factory=list)
    unfinished: Unfinished | None = None
    said: str = ""
    is_elsewhere: bool = False


class Place(Protocol):
    """Where a message is wanted. It is opened before the message is read."""

    def begun(self, address: str) -> Delivered | None:
        """What an earlier run, which was interrupted, has delivered of this message, and what is left to do."""
        ...

    def reserve(self) -> None:
        """Raises UsageError if nothing can be written here."""
        ...

    def deliver(self, message: Message, address: str) -> Delivered: ...

    def close(self) -> None: ...


class Folder:
    """A folder, for files under the sender's names."""

    def __init__(self, path: Path, *, shows_text: bool) -> None:
        """`shows_text` is for the folder that nobody has named: a text is then for the terminal."""
        self._path = path
        self._shows_text = shows_text

    def begun(self, address: str) -> Delivered | None:
        return _left(next(unfinished_in(self._path, address), None))

    def reserve(self) -> None:
        if self._shows_text:  # it may never be written to
            check_stdout()
            return
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            _check_room(self._path)
        except OSError as error:
            raise click.UsageError(f"{self._path} cannot be written: {error.strerror}.") from None

    def deliver(self, message: Message, address: str) -> Delivered:
        if not message.files and self._shows_text:
            return Delivered(said=show(message.text, sys.stdout))
        if has_parts(message):
            return Delivered(unfinished=Unfinished.start(message, address, self._path))
        files, paths = NewFiles(self._path), []
        try:
            for file in message.files or (_Text(message.text),):
                path = files.reserve(file.safe_path)
                with part_of(path).open("r+b") as stream:
                    file.copy_to(stream)
                paths.append(complete(path))
        except BaseException:
            files.discard()
            raise
        return Delivered(paths, said=saved_as(paths))

    def close(self) -> None:
        """It stays."""


class Stdout:
    """Stdout that is no terminal, or that is wanted as it is."""

    def begun(self, address: str) -> Delivered | None:
        """Several files are saved in this folder."""
        return _left(next(unfinished_in(Path(), address), None), is_elsewhere=True)

    def reserve(self) -> None:
        check_stdout()

    def deliver(self, message: Message, address: str) -> Delivered:
        """Write the text, or the only file; save several ones in this folder."""
        if len(message.files) > 1:
            found = Folder(Path(), shows_text=False).deliver(message, address)
            return Delivered(found.paths, found.unfinished, is_elsewhere=True)
        if message.files:
            message.files[0].copy_to(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            click.echo(message.text.encode(), nl=False)
        return Delivered()

    def close(self) -> None:
        """It stays open."""


class NewFile:
    """A file at a path that the reader has chosen. A new one is removed again unless something was delivered."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._overwrite = overwrite
        self._is_new = False
        self._stream: BinaryIO | None = None

    def begun(self, address: str) -> Delivered | None:
        return _left(unfinished_at(self._path, address))

    def reserve(self) -> None:
        """Open the file, so that nothing is read that could not be written."""
        other, part = unfinished_at(self._path), part_of(self._path)
        if other is not None or os.path.lexists(part):  # the other one may have the only key of its message
            folder = shlex.quote(str(self._path.parent))
            raise click.UsageError(
                f"{part if other is None else other.state} is in the way. If it is an interrupted download,"
                f" crypt-api read --resume {folder} goes on with it. Otherwise move it elsewhere."
            )
        self._is_new = not self._path.exists()
        try:
            self._stream = open(  # noqa: SIM115 - closed by `close`
                self._path,
                "ab" if self._overwrite else "xb",
                opener=lambda name, flags: os.open(name, flags, 0o600),
            )
            if self._path.is_file():
                with suppress(PermissionError):  # only the file itself can be written
                    _check_room(self._path.parent)
        except FileExistsError:
            raise click.UsageError(f"{self._path} exists. --force overwrites it.") from None
        except OSError as error:
            raise click.UsageError(f"{self._path} cannot be written: {error.strerror}.") from None

    def deliver(self, message: Message, address: str) -> Delivered:
        """Write the text, or the only file; make a folder for several ones."""
        if len(message.files) > 1:
            return Folder(self._make_folder(), shows_text=False).deliver(message, address)
        is_file = self._path.is_file()  # a device, say, has no length, keeps its mode, and is no place for a part
        if is_file and has_parts(message):
            unfinished = Unfinished.start_at(message, address, self._path)
            self._is_new = False
            return Delivered(unfinished=unfinished)
        stream = self._stream or io.BytesIO()
        if is_file:
            stream.truncate(0)
            with suppress(PermissionError):  # somebody else owns the file, and lets us write it
                self._path.chmod(0o600)
        item: File | _Text = message.files[0] if message.files else _Text(message.text)
        item.copy_to(stream)
        stream.flush()
        self._is_new = False
        return Delivered([self._path] * len(message.files), said=saved_as([self._path]))

    def close(self) -> None:
        if self._stream is not None:
            with suppress(OSError):  # `deliver` has reported what could not be written
                self._stream.close()
        if self._is_new:
            self._path.unlink(missing_ok=True)

    def _make_folder(self) -> Path:
        """Make a folder instead of the file that was made; beside a file that was there before."""
        if not self._is_new:
            return NewFiles(self._path.parent).folder(self._path.name)
        self._path.unlink()
        self._is_new = False
        self._path.mkdir(mode=0o700)
        return self._path


def named_place(output: str | None, *, force: bool, as_json: bool) -> Place:
    """The place that `--output` names. Without it, stdout, and this folder for files if stdout is a terminal."""
    if output == "-" and as_json:
        raise click.UsageError("--json goes to stdout, and so does --output -.")
    if output is None:
        return Folder(Path(), shows_text=True) if as_json or is_terminal(sys.stdout) else Stdout()
    if output == "-":
        return Stdout()
    if Path(output).is_dir() or output.endswith(("/", os.sep)):
        return Folder(Path(output), shows_text=as_json)
    return NewFile(Path(output), overwrite=force)


def _check_room(folder: Path) -> None:
    """Raises OSError if the folder has no room for a message. What has large files is fetched later, and can go on."""
    with TemporaryFile(dir=folder) as file:
        file.write(bytes(MAX_CONTENT_BYTES))
        file.flush()


def _left(unfinished: Unfinished | None, *, is_elsewhere: bool = False) -> Delivered | None:
    return None if unfinished is None else Delivered(unfinished=unfinished, is_elsewhere=is_elsewhere)


class _Text:
    """A text that is saved as if it were a file."""

    safe_path = TEXT_NAME

    def __init__(self, text: str) -> None:
        self._text = text

    def copy_to(self, stream: BinaryIO) -> None:
        stream.write(self._text.encode())


def saved_as(paths: list[Path]) -> str:
    if len(paths) == 1:
        return f"Saved as {paths[0]}."
    return f"Saved {len(paths)} files:\n" + "\n".join(f"  {path}" for path in paths)
