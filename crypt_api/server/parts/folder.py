"""Parts in a folder beside the database: one file a part.

A part is written into a temporary file, synced, and gets its name by a link, which is refused if the name is taken.
Then the folder is synced. So a part is there as a whole or not at all, whatever moment a crash comes in, and two
uploads of one part do not mix.

A part's file is last modified when it expires. A copy of the folder that loses these times makes its parts expire
early: a part that goes early is missing, and never wrong.

Files wait for the disk in threads of their own, so that messages do not wait for files.
"""

import asyncio
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from crypt_api.server.parts.file_storage_room import FilesUsage, Room
from crypt_api.server.stores.sqlite.files import full_disk_told, sync, sync_folder
from crypt_api.server.stores.sqlite.wall_clock import WallClock
from crypt_core.parts import PartKept, StoredPart, pieces_of
from crypt_core.store import StorageUnavailable

T = TypeVar("T")

logger = logging.getLogger(__name__)

PIECE_BYTES = 128 << 10
"""Bytes that are written or read at a time: what an upload or a download costs in memory."""

THREADS = 4
"""Threads that wait for the disk: a disk does not get faster by more."""

SWEEP_SECONDS = 60.0
"""Between two sweeps."""

SWEEP_PAUSE_SECONDS = 0.001
"""Between two subfolders of a sweep, so that requests come in between."""

_UPLOAD = "upload-"
"""The names of temporary files begin with this."""

SUBFOLDER_LENGTH = 2
"""Characters of a subfolder's name, the first ones of its parts' ids. What has another name is not ours: a disk of its
own has `lost+found`."""

FOLDER_AWAY = "the folder of the parts of files is not the one that was opened"


class FolderPartStore:
    """Keeps parts below one folder, which no other process may use."""

    def __init__(self, folder: Path, *, max_bytes: int = 0, clock: Callable[[], float] | None = None) -> None:
        """Make the folder if it is missing, and remove what a crash left in it.

        Args:
            folder: Its owner alone can read it, and what is in it.
            max_bytes: The cap for all parts; 0 is none.
            clock: The time in seconds that parts live by. The default is a `WallClock`.

        Raises:
            StorageUnavailable: The folder cannot be used; the text says why.
        """
        self._folder = folder
        self._clock = clock or WallClock()
        self._clock_lock = threading.Lock()
        self._room = Room(max_bytes)
        self._names_lock = threading.Lock()
        """Held from the look at a name until the name is given or removed."""
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                sync_folder(folder.parent)
            self._identity = _identity(folder)
            for left_by_a_crash in folder.glob(f"{_UPLOAD}*"):
                left_by_a_crash.unlink()
            for part in self._all():
                self._room.add(part.length)
        except OSError as error:
            raise StorageUnavailable(f"cannot use {folder}: {error.strerror}") from None
        self._threads = ThreadPoolExecutor(THREADS, "parts")
        self._closing = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_until_closed, name="parts-sweep", daemon=True)
        self._sweeper.start()

    async def put(self, part_id: str, ttl: int, length: int, body: AsyncIterable[bytes]) -> PartKept:
        path, now = self._path(part_id), self._now()
        part = await self._run(self._look_in_place, path)
        if part is not None and part.expires_at > now:
            return PartKept(is_new=False, expires_at=part.expires_at)
        self._room.take(length, self._disk_free_bytes())
        upload = _Upload(self._folder)
        try:
            await self._receive(upload, length, body)
            return await self._run(self._keep, upload, path, now + ttl)
        finally:  # also if the request is cancelled while a thread keeps the part
            self._threads.submit(self._end, upload, length)

    async def get(self, part_id: str) -> StoredPart | None:
        path = self._path(part_id)
        part = await self._run(self._look_in_place, path)
        if part is None or part.expires_at <= self._now():
            return None
        return StoredPart(part.length, self._pieces(path))

    async def delete(self, part_id: str) -> bool:
        return await self._run(self._delete, self._path(part_id))

    @property
    def usage(self) -> FilesUsage:
        usage = self._room.usage(self._disk_free_bytes())
        return usage if self._is_in_place() else replace(usage, refuses=FOLDER_AWAY, answers=False)

    def close(self) -> None:
        """Wait for what is under way, and sweep no more."""
        self._closing.set()
        self._sweeper.join()
        self._threads.shutdown()

    async def _receive(self, upload: "_Upload", length: int, body: AsyncIterable[bytes]) -> None:
        """Write the body into the upload's file, some pieces at a time."""
        pieces: list[bytes] = []
        waiting = received = 0
        async for piece in pieces_of(body):
            pieces.append(piece)
            waiting += len(piece)
            received += len(piece)
            if waiting >= PIECE_BYTES:
                await self._run(upload.write, pieces)
                pieces, waiting = [], 0
        if received != length:
            raise StorageUnavailable("the body is not as long as announced")
        await self._run(upload.write, pieces)

    async def _pieces(self, path: Path) -> AsyncIterator[bytes]:
        download = _Download(path)
        try:
            while piece := await self._run(download.read):
                yield piece
        finally:
            self._threads.submit(download.close)

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function in a thread. StorageUnavailable for an error of the system: its text has no path."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        except OSError as error:
            raise StorageUnavailable(f"a part of a file: {error.strerror}") from None

    def _path(self, part_id: str) -> Path:
        return self._folder / part_id[:SUBFOLDER_LENGTH] / part_id

    def _now(self) -> float:
        with self._clock_lock:
            return self._clock()

    def _disk_free_bytes(self) -> int:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:  # it is away
            return 0

    def _is_in_place(self) -> bool:
        """Whether the path still leads to the folder that was opened: it may be moved, deleted or unmounted."""
        try:
            return _identity(self._folder) == self._identity
        except OSError:
            return False

    # In threads

    def _look_in_place(self, path: Path) -> "_Part | None":
        """The part at the path, or None. StorageUnavailable if the folder is away: then nobody knows."""
        part = _look(path)
        if part is None and not self._is_in_place():
            raise StorageUnavailable(FOLDER_AWAY)
        return part

    def _keep(self, upload: "_Upload", path: Path, expires_at: float) -> PartKept:
        """Give the upload's file its name, unless there is a part with that name."""
        with upload.lock:
            upload.sync(expires_at)
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._folder)
            with self._names_lock:
                part = _look(path)
                if part is not None and part.expires_at > self._now():
                    return PartKept(is_new=False, expires_at=part.expires_at)
                if part is not None:
                    self._remove(path, part)
                os.link(upload.name, path)
                upload.is_kept = True
            sync_folder(path.parent)
        return PartKept(is_new=True, expires_at=expires_at)

    def _end(self, upload: "_Upload", length: int) -> None:
        """Remove the upload's temporary name, and give back its room if no part came of it."""
        with upload.lock:
            try:
                upload.close()
            finally:  # also if its name is gone
                self._room.end_upload(length, is_kept=upload.is_kept)

    def _delete(self, path: Path) -> bool:
        with self._names_lock:
            part = self._look_in_place(path)
            if part is None:
                return False
            self._remove(path, part)
        sync_folder(path.parent)
        return part.expires_at > self._now()

    def _remove(self, path: Path, part: "_Part") -> None:
        path.unlink()
        self._room.give_back(part.length)

    def _subfolders(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if len(path.name) == SUBFOLDER_LENGTH and path.is_dir()]

    def _all(self) -> Iterator["_Part"]:
        for subfolder in self._subfolders():
            yield from filter(None, map(_look, subfolder.iterdir()))

    def _sweep_until_closed(self) -> None:
        while not self._closing.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except OSError as error:
                logger.warning("the sweep of the parts of files failed, and is tried again: %s", error.strerror)

    def sweep(self) -> None:
        """Remove the parts that have expired."""
        for subfolder in self._subfolders():
            for path in subfolder.iterdir():
                with self._names_lock:
                    part = _look(path)
                    if part is not None and part.expires_at <= self._now():
                        self._remove(path, part)
            self._closing.wait(SWEEP_PAUSE_SECONDS)


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


class _Part(NamedTuple):
    """A part's file.

    Attributes:
        length: Bytes.
        expires_at: Unix time in seconds.
    """

    length: int
    expires_at: float


def _look(path: Path) -> _Part | None:
    """The part at the path, expired or not; None if the path has no part."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return _Part(stat.st_size, stat.st_mtime)


class _Upload:
    """A part on its way in: a temporary file, which is made with its first bytes. Its methods run in threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self.name = ""
        self.is_kept = False
        self.lock = threading.Lock()
        """A request that is cancelled leaves a thread at work: the next one waits for it."""

    def write(self, pieces: list[bytes]) -> None:
        with self.lock, full_disk_told():
            if self._descriptor < 0:
                self._descriptor, self.name = tempfile.mkstemp(prefix=_UPLOAD, dir=self._folder)
            data = memoryview(b"".join(pieces))
            while data:
                data = data[os.write(self._descriptor, data) :]

    def sync(self, expires_at: float) -> None:
        """Return when the bytes, and the time at which they expire, are on the disk."""
        os.utime(self._descriptor, (expires_at, expires_at))
        sync(self._descriptor, with_times=True)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            os.unlink(self.name)  # noqa: PTH108 - the part has a name of its own


class _Download:
    """A part on its way out. Its methods run in threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._is_closed = False
        self._lock = threading.Lock()

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        with self._lock:
            if self._is_closed:  # the request was cancelled before this began
                return b""
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            return os.read(self._descriptor, PIECE_BYTES)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
