"""Folders that a user has named for a program that is not trusted: it reads or makes files there, and nowhere else.

Each step of a path is opened by itself, below the folder that was opened before it, and no symbolic link is followed.
So nothing that is swapped meanwhile leads out of the folder.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from crypt_api.cli.new_files import part_name
from crypt_api.client.file_names import MAX_STEPS, numbered, safe_file_name

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
        """Begin a new item. Unless the block completes it, nothing of it is left.

        Raises:
            BadPath: There is something at the path, or nothing can be made there.
        """
        with self._parent(path) as (folder, name):
            try:
                item = NewItem(folder, name)
            except OSError as error:
                raise BadPath(f"No file can be made there: {error.strerror}.") from None
            try:
                yield item
            finally:
                item.close()

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
    """A file, or a folder of files: written in the folder `NAME.part`, and moved to its name when it is complete.

    Attributes:
        is_folder: Whether it becomes a folder. Otherwise it has one file.
    """

    def __init__(self, folder: int, name: str) -> None:
        """Raises OSError if something has the name, or that of the folder: what was there before stays as it is."""
        self._folder = folder
        self._name = name
        self._part = part_name(name)
        self._names: list[str] = []
        self._is_moved = False
        self.is_folder = False
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        os.mkdir(self._part, 0o700, dir_fd=folder)
        try:
            self._inner = os.open(self._part, _FOLDER, dir_fd=folder)
        except OSError:
            os.rmdir(self._part, dir_fd=folder)
            raise

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """Open a file with this name, or one like it, to write it. Its bytes are synced."""
        descriptor = self._new_in_folder(name)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)

    def complete(self) -> None:
        """Raises OSError if that is not possible, or something has the name meanwhile. Nothing is overwritten."""
        os.fsync(self._inner)
        if self.is_folder:  # a rename replaces what is there, so an empty item of our own takes the name first
            os.mkdir(self._name, 0o700, dir_fd=self._folder)
            source, parent, remove = self._part, self._folder, os.rmdir
        else:
            os.close(os.open(self._name, _NEW_FILE, 0o600, dir_fd=self._folder))
            source, parent, remove = self._names[0], self._inner, os.unlink
        try:
            os.rename(source, self._name, src_dir_fd=parent, dst_dir_fd=self._folder)
        except OSError:
            remove(self._name, dir_fd=self._folder)
            raise
        self._is_moved = self.is_folder
        os.fsync(self._folder)

    def close(self) -> None:
        """Remove what is not complete."""
        if not self._is_moved:
            for name in self._names:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._inner)
            with suppress(OSError):
                os.rmdir(self._part, dir_fd=self._folder)
        os.close(self._inner)

    def _new_in_folder(self, name: str) -> int:
        base = safe_file_name(name.rpartition("/")[2]).lstrip(".") or "file"
        number = 1
        while True:
            candidate = base if number == 1 else numbered(base, number)
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
