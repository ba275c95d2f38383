"""Parts in memory: for tests, and for `--store memory:`."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable

from crypt_api.server.parts.file_storage_room import FilesUsage, Room
from crypt_core.parts import PartKept, StoredPart, pieces_of
from crypt_core.store import StorageUnavailable


class MemoryPartStore:
    """Keeps parts in a dictionary."""

    def __init__(self, max_bytes: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._parts: dict[str, tuple[float, bytes]] = {}
        self._room = Room(max_bytes)
        self._clock = clock

    async def put(self, part_id: str, ttl: int, length: int, body: AsyncIterable[bytes]) -> PartKept:
        self._sweep()
        self._room.take(length, None)
        is_new = False
        try:
            data = b"".join([piece async for piece in pieces_of(body)])
            if len(data) != length:
                raise StorageUnavailable("the body is not as long as announced")
            is_new = part_id not in self._parts
            expires_at, _ = self._parts.setdefault(part_id, (self._clock() + ttl, data))
        finally:
            self._room.end_upload(length, is_kept=is_new)
        return PartKept(is_new, expires_at)

    async def get(self, part_id: str) -> StoredPart | None:
        self._sweep()
        _, data = self._parts.get(part_id, (0.0, None))
        return None if data is None else StoredPart(len(data), _whole(data))

    async def delete(self, part_id: str) -> bool:
        self._sweep()
        _, data = self._parts.pop(part_id, (0.0, None))
        if data is not None:
            self._room.give_back(len(data))
        return data is not None

    @property
    def usage(self) -> FilesUsage:
        return self._room.usage(None)

    def close(self) -> None:
        self._parts.clear()

    def _sweep(self) -> None:
        now = self._clock()
        for part_id in [part_id for part_id, (expires_at, _) in self._parts.items() if expires_at <= now]:
            _, data = self._parts.pop(part_id)
            self._room.give_back(len(data))


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
