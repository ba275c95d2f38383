"""A download that a later `crypt-api read` can go on with: `NAME.part.json`, beside the files.

It has the key of the files, so only its owner can read it. It is written before the message is acknowledged, and
removed when all files are complete. How far a file has come is the length of its `NAME.part`.

Such a file may have come from somebody else: a browser has downloaded it, say. So its paths are taken as a message's
names are: nothing in them leads out of the folder, and only a file that nobody else can write lets one be overwritten.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from crypt_api.cli.new_files import STATE, NewFiles, Synced, beside, complete, is_home, part_of
from crypt_api.client import File, Message
from crypt_api.client.file_names import safe_file_name
from crypt_api.client.locks import lock
from crypt_api.client.uploads import ReportProgress

MAX_BYTES = 1_048_576
"""Of such a file: a list of 100 names is at most a tenth of that."""


@dataclass
class Unfinished:
    """The download of a message's files to paths that were chosen.

    Attributes:
        state: The path of the file that remembers it.
        message: The message's address. It has no secret.
        ticket: What opens the files.
        paths: Where each file will be, below the folder that has `state`.
        overwrites: Whether the files' paths are the reader's own choice, and hold nothing to keep.
    """

    state: Path
    message: str
    ticket: str = field(repr=False)
    paths: list[Path]
    overwrites: bool = False

    @classmethod
    def start(cls, message: Message, address: str, folder: Path) -> "Unfinished":
        """Choose the paths below the folder, and remember the download.

        Raises:
            OSError: That is not possible. Nothing of it is left.
        """
        files = NewFiles(folder)
        try:
            paths = [files.reserve(file.safe_path) for file in message.files]
            first = folder / paths[0].relative_to(folder).parts[0]
            state = next(path for path in _names(first) if not os.path.lexists(path))
            unfinished = cls(state, address, message.ticket(), paths)
            unfinished.remember()
        except BaseException:
            files.discard()
            raise
        return unfinished

    @classmethod
    def start_at(cls, message: Message, address: str, path: Path) -> "Unfinished":
        """The same for one file at a path that the reader has chosen."""
        os.close(os.open(part_of(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            unfinished = cls(beside(path, STATE), address, message.ticket(), [path], overwrites=True)
            unfinished.remember()
        except BaseException:
            part_of(path).unlink(missing_ok=True)
            raise
        return unfinished

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other programs from the download: two at once would complete a file that has holes.

        Raises:
            UsageError: Another program is at it, or has completed it.
        """
        completed = click.UsageError(f"Another crypt-api has completed the download of {self.state}.")
        try:
            file = self.state.open("r+b")
        except FileNotFoundError:
            raise completed from None
        with file:
            try:
                lock(file)
            except BlockingIOError:
                raise click.UsageError(f"Another crypt-api is at the download of {self.state}.") from None
            if not os.fstat(file.fileno()).st_nlink:
                raise completed
            yield

    def finish(self, message: Message, report: ReportProgress) -> list[Path]:
        """Fetch what is missing; give the files' paths.

        Raises:
            OSError: A file cannot be written.
        """
        total, done, saved = sum(file.size for file in message.files), 0, []
        for file, path in zip(message.files, self.paths, strict=True):
            saved.append(self._finish(file, path, _shifted(report, done, total)))
            done += file.size
        for folder in {path.parent for path in saved}:
            _sync_folder(folder)
        return saved

    def forget(self) -> None:
        self.state.unlink(missing_ok=True)

    def _finish(self, file: File, path: Path, report: ReportProgress) -> Path:
        part = part_of(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not part.exists() and path.is_file() and path.stat().st_size == file.size:
            return path  # an earlier run has completed it
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(part, flags, 0o600), "r+b") as stream:
            start = file.resume_point(stream.seek(0, os.SEEK_END))
            stream.truncate(start)
            stream.seek(start)
            file.copy_to(Synced(stream), start=start, progress=report)
        return complete(path, overwrite=self.overwrites)

    def remember(self) -> None:
        """Raises OSError if the file cannot be written. Nothing of it is left then."""
        fields = {
            "message": self.message,
            "ticket": self.ticket,
            "paths": [str(path.relative_to(self.state.parent)) for path in self.paths],
            "overwrites": self.overwrites,
        }
        handle = os.open(self.state, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(fields).encode())
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.state.unlink(missing_ok=True)
            raise
        _sync_folder(self.state.parent)


def unfinished_at(path: Path, address: str) -> Unfinished | None:
    """The unfinished download of this message to a file at `path`."""
    return next(_of_message([beside(path, STATE)], address), None)


def unfinished_in(folder: Path, address: str = "") -> Iterator[Unfinished]:
    """The unfinished downloads to a folder: those of this message, or all."""
    return _of_message(sorted(folder.glob(f"*{STATE}")), address)


def _of_message(states: list[Path], address: str) -> Iterator[Unfinished]:
    for state in states:
        with suppress(OSError, KeyError, TypeError, ValueError, RecursionError):
            if state.is_symlink() or state.stat().st_size > MAX_BYTES:
                continue
            found = _parsed(state, json.loads(state.read_bytes()))
            if address in ("", found.message):
                yield found


def _parsed(state: Path, fields: dict[str, Any]) -> Unfinished:
    """Raises OSError, KeyError, TypeError or ValueError for what is no such file."""
    folder = state.parent
    paths = [folder / path for path in fields["paths"]]
    if not paths:
        raise ValueError
    overwrites = bool(fields["overwrites"]) and beside(paths[0], STATE) == state and _is_private(state)
    if not overwrites and not all(_is_below(path, folder) for path in paths):
        raise ValueError
    return Unfinished(state, str(fields["message"]), str(fields["ticket"]), paths, overwrites)


def _is_below(path: Path, folder: Path) -> bool:
    """Whether a message's file could have been given this path."""
    steps = path.relative_to(folder).parts
    is_hidden_in_home = steps[0].startswith(".") and is_home(folder)
    leads_out = not path.resolve().is_relative_to(folder.resolve())
    return not is_hidden_in_home and not leads_out and all(step == safe_file_name(step) for step in steps)


def _is_private(state: Path) -> bool:
    """Whether the user has made the file, and nobody else can write it; False where the file system cannot tell."""
    if os.name != "posix":
        return True
    found = state.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _names(first: Path) -> Iterator[Path]:
    yield beside(first, STATE)
    number = 2
    while True:
        yield beside(first.with_name(f"{first.name}-{number}"), STATE)
        number += 1


def _shifted(report: ReportProgress, before: int, total: int) -> Callable[[int, int | None], None]:
    return lambda done, _size: report(before + done, total)


def _sync_folder(folder: Path) -> None:
    """So that names survive a power cut, where the platform can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
