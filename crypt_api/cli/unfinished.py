"""A download that a later `crypt-api read` can go on with: `NAME.part.json`, beside the files.

It has the key of the files, so only its owner can read it. It is written before the message is acknowledged, and
removed when all files are complete. How far a file has come is the length of its `NAME.part`.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crypt_api.cli.new_files import NewFiles, Synced, beside, complete, part_of
from crypt_api.client import File, Message
from crypt_api.client.uploads import ReportProgress

ENDING = ".part.json"
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
        part_of(path).unlink(missing_ok=True)
        os.close(os.open(part_of(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        beside(path, ENDING).unlink(missing_ok=True)
        unfinished = cls(beside(path, ENDING), address, message.ticket(), [path], overwrites=True)
        unfinished.remember()
        return unfinished

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
    return _of_message([beside(path, ENDING)], address)


def unfinished_in(folder: Path, address: str = "") -> Unfinished | None:
    """The unfinished download to a folder: of this message, or the first one."""
    return _of_message(sorted(folder.glob(f"*{ENDING}")), address)


def _of_message(states: list[Path], address: str) -> Unfinished | None:
    for state in states:
        with suppress(OSError, KeyError, TypeError, ValueError, RecursionError):
            if state.is_symlink() or state.stat().st_size > MAX_BYTES:
                continue
            found = _parsed(state, json.loads(state.read_bytes()))
            if address in ("", found.message):
                return found
    return None


def _parsed(state: Path, fields: dict[str, Any]) -> Unfinished:
    """Raises KeyError, TypeError or ValueError for what is no such file."""
    paths = [Path(path) for path in fields["paths"]]
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise ValueError
    found = [state.parent / path for path in paths]
    return Unfinished(state, str(fields["message"]), str(fields["ticket"]), found, bool(fields["overwrites"]))


def _names(first: Path) -> Iterator[Path]:
    yield beside(first, ENDING)
    number = 2
    while True:
        yield beside(first.with_name(f"{first.name}-{number}"), ENDING)
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
