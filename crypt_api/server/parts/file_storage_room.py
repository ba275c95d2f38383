"""Room for parts: the operator's cap, which is apart from that of the messages, and what the disk must keep free."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from crypt_core.store import StorageUnavailable

DEFAULT_FILE_STORAGE = 2 << 30
"""The cap, in bytes, of an operator who sets none."""

MIN_FREE_BYTES = 512 << 20
"""Bytes that the disk keeps free for messages: parts are refused below that."""

BLOCK_BYTES = 4_096
"""A file takes whole blocks of the disk; an empty one counts as one, since it has a name, and an inode."""


@dataclass(frozen=True, slots=True)
class FilesUsage:
    """A moment's state of the parts. The default is that of a server without files.

    Attributes:
        bytes: What the parts take.
        max_bytes: The cap that the operator set; 0 is none.
        refuses: Why new parts are refused at the moment; empty if they are not.
        answers: Whether the place for parts answers at all.
    """

    bytes: int = 0
    max_bytes: int = 0
    refuses: str = ""
    answers: bool = True

    def readiness(self) -> Mapping[str, object]:
        """What `/-/ready` tells of files."""
        if not self.answers:
            return {"files": "unavailable"}
        return {"files": "full" if self.refuses else "ok"}


class PartsFull(StorageUnavailable):
    """There is no room for the part. Messages are not affected."""


class Room:
    """Counts the bytes of parts that are there, and of those that are on their way. Any thread may call it."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is the cap; 0 is none."""
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes = 0
        self._coming = 0
        """Of these bytes, those of uploads that are under way: the disk may not know of them yet."""

    def take(self, length: int, disk_free_bytes: int | None) -> None:
        """Take the room of a part that is about to come. PartsFull if there is not enough."""
        with self._lock:
            refusal = self._refusal(_blocks(length), disk_free_bytes)
            if refusal:
                raise PartsFull(refusal)
            self._bytes += _blocks(length)
            self._coming += _blocks(length)

    def end_upload(self, length: int, *, is_kept: bool) -> None:
        """The part has come; or it has not, and its room is given back."""
        with self._lock:
            self._coming -= _blocks(length)
            if not is_kept:
                self._bytes -= _blocks(length)

    def add(self, length: int) -> None:
        """Count a part that is there already."""
        with self._lock:
            self._bytes += _blocks(length)

    def give_back(self, length: int) -> None:
        """Give back the room of a part that is gone."""
        with self._lock:
            self._bytes -= _blocks(length)

    def usage(self, disk_free_bytes: int | None) -> FilesUsage:
        return FilesUsage(self._bytes, self._max_bytes, self._refusal(1, disk_free_bytes))

    def _refusal(self, length: int, disk_free_bytes: int | None) -> str:
        if self._max_bytes and self._bytes + length > self._max_bytes:
            return "the parts of files have reached their cap"
        if disk_free_bytes is not None and disk_free_bytes < MIN_FREE_BYTES + self._coming + length:
            return "the disk is too full for parts of files"
        return ""


def _blocks(length: int) -> int:
    return max(-(-length // BLOCK_BYTES), 1) * BLOCK_BYTES
