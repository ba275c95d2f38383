"""A disk that is small enough to be filled: a file system of its own, where the system lets us mount one."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.platforms import Process, start_server

ROOM = 16 << 20
"""Bytes of the mounted disk: the log, and 12 MiB for messages."""


class MountedDisk:
    """A file system in memory. Where it is not allowed to mount one, see `small_disk`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def start(self, *flags: str) -> Process:
        return start_server(f"--store=sqlite:///{self.folder}/messages.db", "--rate-limit-per-second=0", *flags)

    def fill(self, _: Process) -> None:
        """Leave not one byte."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                for size in (1 << 20, 4_096, 1):
                    while file.write(bytes(size)) == size:
                        pass
            except OSError:
                pass

    def free(self, _: Process) -> None:
        self._ballast.unlink()


class LimitedDisk(MountedDisk):
    """Any disk, for a process whose files must not grow: its writes fail as if there were no room."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._limit = resource.RLIM_INFINITY

    def start(self, *flags: str) -> Process:
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, old[1]))
        try:
            return super().start(*flags)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)

    def fill(self, process: Process) -> None:
        self._set(process, max(file.stat().st_size for file in self.folder.iterdir()))

    def free(self, process: Process) -> None:
        self._set(process, resource.RLIM_INFINITY)

    def _set(self, process: Process, limit: int) -> None:
        self._limit = limit
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path) -> Iterator[MountedDisk]:
    """Mount one at `folder`; where that is not allowed, limit the process instead."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        yield LimitedDisk(folder)
        return
    try:
        yield MountedDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607


@contextmanager
def limited_disk(folder: Path) -> Iterator[MountedDisk]:
    yield LimitedDisk(folder)
