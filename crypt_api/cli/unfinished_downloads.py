"""A download that a later `crypt-api read` can go on with: a file in `$XDG_STATE_HOME/crypt-api/downloads`.

It has the key of the files, so only its owner can read it. It is written before the message is acknowledged, and
removed when all files are complete. How far a file has come is the length of its `NAME.part`.

It does not lie beside the files: somebody else may choose what a file there is called, and what is in it.
"""

import json
import os
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import click

from crypt_api.cli.new_files import NewFiles, Synced, complete, part_of
from crypt_api.cli.state_folder import NAME, VARIABLE, state_folder
from crypt_api.client import File, Message
from crypt_api.client.locks import lock
from crypt_api.client.uploads import ReportProgress

_FOLDER = "downloads"


@dataclass
class Unfinished:
    """The download of a message's files to paths that were chosen.

    Attributes:
        folder: The folder that it was started for.
        message: The message's address. It has no secret.
        ticket: What opens the files.
        paths: Where each file will be, below the folder.
        overwrites: Whether the only path is the reader's own choice, and holds nothing to keep.
        state: The path of the file that remembers it.
        resuming: The command that goes on with it.
    """

    folder: Path
    message: str
    ticket: str = field(repr=False)
    paths: list[Path]
    overwrites: bool = False
    state: Path = field(default=Path(), repr=False)
    resuming: str = ""

    def __post_init__(self) -> None:
        self.resuming = f"crypt-api read --resume {shlex.quote(str(self.folder))}"

    @classmethod
    def start(cls, message: Message, address: str, folder: Path) -> "Unfinished":
        """Choose the paths below the folder, and remember the download.

        Raises:
            OSError: That is not possible. Nothing of it is left.
        """
        files = NewFiles(folder)
        try:
            paths = [files.reserve(file.safe_path) for file in message.files]
            unfinished = cls(folder, address, message.ticket(), paths)
            unfinished._remember()
        except BaseException:
            files.discard()
            raise
        return unfinished

    @classmethod
    def start_at(cls, message: Message, address: str, path: Path) -> "Unfinished":
        """The same for one file at a path that the reader has chosen."""
        os.close(os.open(part_of(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            unfinished = cls(path.parent, address, message.ticket(), [path], overwrites=True)
            unfinished._remember()
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

    def _remember(self) -> None:
        """Raises OSError if the file cannot be written. Nothing of it is left then."""
        try:
            self._remember_in(state_folder() / _FOLDER)
        except (OSError, RuntimeError):  # no home folder, or a full one: this is the last copy of the key
            base = mkdtemp(prefix="crypt-api-")
            self._remember_in(Path(base, NAME, _FOLDER))
            self.resuming = f"{VARIABLE}={shlex.quote(base)} {self.resuming}"

    def _remember_in(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fields = {
            "folder": str(self.folder.resolve()),
            "message": self.message,
            "ticket": self.ticket,
            "paths": [str(path.relative_to(self.folder)) for path in self.paths],
            "overwrites": self.overwrites,
        }
        self.state = folder / f"{secrets.token_hex(16)}.json"
        handle = os.open(self.state, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps(fields).encode())
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self.state.unlink(missing_ok=True)
            raise
        _sync_folder(folder)


def unfinished_at(path: Path, address: str = "") -> Unfinished | None:
    """The unfinished download of this message, or of any, to a file at `path`."""
    found = unfinished_in(path.parent, address)
    return next((download for download in found if download.overwrites and download.paths == [path]), None)


def unfinished_in(folder: Path, address: str = "") -> Iterator[Unfinished]:
    """The unfinished downloads to a folder: those of this message, or all."""
    try:
        states, wanted = sorted((state_folder() / _FOLDER).glob("*.json")), str(folder.resolve())
    except (OSError, RuntimeError):
        return
    for state in states:
        # One that a crash has cut off is that of a message that was not acknowledged.
        with suppress(OSError, KeyError, TypeError, ValueError, RecursionError):
            fields = json.loads(state.read_bytes())
            if fields["folder"] == wanted and address in ("", fields["message"]):
                paths = [folder / path for path in fields["paths"]]
                yield Unfinished(folder, fields["message"], fields["ticket"], paths, fields["overwrites"], state)


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
