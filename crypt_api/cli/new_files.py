"""New files below a folder: under the sender's names, or ones like them. Nothing is overwritten, no link followed.

A folder of the sender's is a new one, too: what is put into a folder that was there may be run, as in
`Library/LaunchAgents` below a home folder, or be taken for what was there before.

A file is written as `NAME.part` first, which keeps its name, and gets its own name when it is complete.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from crypt_api.client.file_names import name_in, numbered

PART = ".part"

_MAX_STEM = 200
"""Bytes of a name that gets another ending: file systems allow 255."""


class NewFiles:
    """Chooses the names of new files below a folder, and makes folders where their names have them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self._folders: dict[tuple[Path, str], Path] = {}
        self._made: list[Path] = []

    def reserve(self, safe_path: str) -> Path:
        """Begin an empty `NAME.part`; give the path that the file will have.

        Raises:
            OSError: That is not possible.
        """
        *steps, name = safe_path.split("/")
        folder = self.root
        for step in steps:
            folder = self._subfolder(folder, step)
        for path in _free(folder, name):
            if not os.path.lexists(path):
                with suppress(FileExistsError):
                    os.close(os.open(part_of(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                    self._made.append(part_of(path))
                    return path
        raise AssertionError  # pragma: no cover

    def folder(self, name: str) -> Path:
        """Make a new folder with this name, or one like it."""
        return self._new_folder(self.root, name)

    def discard(self) -> None:
        """Remove what is not complete, and the folders that were made for it."""
        for path in reversed(self._made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()

    def _subfolder(self, parent: Path, step: str) -> Path:
        """The new folder for this step of the message's paths."""
        if (parent, step) not in self._folders:
            self._folders[parent, step] = self._new_folder(parent, step)
        return self._folders[parent, step]

    def _new_folder(self, parent: Path, name: str) -> Path:
        for path in _free(parent, name):
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
                self._made.append(path)
                return path
        raise AssertionError  # pragma: no cover


class Synced:
    """A stream whose bytes are on the disk when `write` returns."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: memoryview, /) -> int:
        written = self._stream.write(data)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return written


def part_of(path: Path) -> Path:
    """Where the bytes of the file lie until it is complete."""
    return path.with_name(part_name(path.name))


def part_name(name: str) -> str:
    """The name with `.part` behind it; a name that would be too long becomes its hash."""
    stem = name if len(os.fsencode(name)) <= _MAX_STEM else sha256(os.fsencode(name)).hexdigest()[:32]
    return stem + PART


def complete(path: Path, *, overwrite: bool = False) -> Path:
    """Give the file its name, or one like it if there is one meanwhile; give its path."""
    part = part_of(path)
    if overwrite:
        part.replace(path)
        return path
    for candidate in _free(path.parent, path.name):
        try:
            candidate.hardlink_to(part)
        except FileExistsError:
            if not candidate.samefile(part):  # the same if a crash came before the next line
                continue
        except OSError:  # a file system without hard links
            try:
                os.close(os.open(candidate, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            part.replace(candidate)
            return candidate
        part.unlink()
        return candidate
    raise AssertionError  # pragma: no cover


def _free(folder: Path, name: str) -> Iterator[Path]:
    """Give the path for a name, and then numbered ones like it."""
    name = name_in(folder, name)
    return chain([folder / name], (folder / numbered(name, number) for number in count(2)))
