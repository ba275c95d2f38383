"""Folders that a user has named for a program that is not trusted: it reads or makes files there, and nowhere else.

Each step of a path is opened by itself, below the folder that was opened before it, and no symbolic link is followed.
So nothing that is swapped meanwhile leads out of the folder.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from crypt_api.cli.new_files import PART
from crypt_api.client.file_names import MAX_STEPS, safe_file_name

IS_SUPPORTED = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Not on Windows."""

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class BadPath(Exception):
    """The path cannot be used. The text says why, and quotes nothing."""


class NamedFolder:
    """A folder that stays open. What its path names later is no matter."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if it cannot be opened."""
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """Open a regular file to read it.

        Raises:
            BadPath: There is no such file below the folder.
        """
        with self._parent(path) as (folder, name):
            try:
                descriptor = os.open(name, _FILE, dir_fd=folder)
            except OSError as error:
                raise BadPath(f"The file cannot be opened: {error.strerror}.") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise BadPath("This is no regular file.")
        with os.fdopen(descriptor, "rb") as file:
            yield file

    @contextmanager
    def reserved(self, path: str) -> Iterator["NewItem"]:
        """Make an empty file, whose name becomes that of a `NewItem`. It is removed again if the block fails.

        Raises:
            BadPath: There is something at the path, or nothing can be made there.
        """
        with self._parent(path) as (folder, name):
            item = NewItem(folder, name)
            try:
                os.close(os.open(name, _NEW_FILE, 0o600, dir_fd=folder))
            except OSError as error:
                raise BadPath(f"No file can be made there: {error.strerror}.") from None
            try:
                yield item
                item.complete()
            except BaseException:
                item.discard()
                raise

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that a path leads to, and the name in it."""
        *steps, name = _steps(path)
        with ExitStack() as stack:
            folder = self._descriptor
            for step in steps:
                try:
                    folder = os.open(step, _FOLDER, dir_fd=folder)
                except OSError as error:
                    raise BadPath(f"A folder of the path cannot be opened: {error.strerror}.") from None
                stack.callback(os.close, folder)
            yield folder, name


class NewItem:
    """A file or a folder that is written beside its place, as `NAME.part`, and gets its name when it is complete."""

    def __init__(self, folder: int, name: str) -> None:
        self._folder = folder
        self._name = name
        self._part = name + PART
        self._inner: int | None = None
        self._names: list[str] = []

    def become_folder(self) -> None:
        """Make a folder of it, for several files."""
        os.mkdir(self._part, 0o700, dir_fd=self._folder)
        self._inner = os.open(self._part, _FOLDER, dir_fd=self._folder)

    @contextmanager
    def file(self, name: str = "") -> Iterator[BinaryIO]:
        """Open the file to write it; in a folder, one with this name or one like it. Its bytes are synced."""
        if self._inner is None:
            descriptor = os.open(self._part, _NEW_FILE, 0o600, dir_fd=self._folder)
        else:
            descriptor = self._new_in_folder(name)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)

    def complete(self) -> None:
        """Raises OSError if the name is taken meanwhile by a folder that is not empty."""
        if self._inner is not None:
            os.fsync(self._inner)
            os.close(self._inner)
            self._inner = None
            os.unlink(self._name, dir_fd=self._folder)
        os.rename(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        os.fsync(self._folder)

    def discard(self) -> None:
        if self._inner is not None:
            for name in self._names:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._inner)
            os.close(self._inner)
        for name, remove in ((self._part, os.rmdir), (self._part, os.unlink), (self._name, os.unlink)):
            with suppress(OSError):
                remove(name, dir_fd=self._folder)

    def _new_in_folder(self, name: str) -> int:
        base = safe_file_name(name.rpartition("/")[2]).lstrip(".") or "file"
        number = 1
        while True:
            candidate = base if number == 1 else f"{number}-{base}"
            with suppress(FileExistsError):
                descriptor = os.open(candidate, _NEW_FILE, 0o600, dir_fd=self._inner)
                self._names.append(candidate)
                return descriptor
            number += 1


def _steps(path: str) -> list[str]:
    """Raises BadPath for a path that leads elsewhere, or to what shells and programs run or hide."""
    steps = path.split("/")
    if len(steps) > MAX_STEPS or any(step.startswith(".") or safe_file_name(step) != step for step in steps):
        raise BadPath("Give a path below the folder, such as name.txt or folder/name.txt; no name begins with a dot.")
    return steps
