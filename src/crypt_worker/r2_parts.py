"""Parts of files in the R2 bucket `FILES`: every call to R2 is in this file.

The bytes never pass through Python, which has 128 MB and 10 ms: the runtime's streams go from the request to R2, and
from R2 to the response. R2 puts only if there is no object, and what it has put, every reader sees at once.

R2 has no expiry for one object. So the time is in the object's metadata, and is looked at; a lifecycle rule of the
bucket removes what nobody asks for any more (`docs/cloudflare.md`).
"""

import time
from collections.abc import AsyncIterable, Callable
from typing import Any, Protocol, cast

from crypt_core.parts import PartKept, StoredPart
from crypt_core.store import StorageUnavailable
from crypt_worker.javascript import JavaScript
from crypt_worker.platform_calls import platform_call

EXPIRES_AT = "expires"
"""The name in the metadata of the Unix time in seconds."""

ONLY_IF_FREE = {"onlyIf": {"etagDoesNotMatch": "*"}}


class PlatformBody(Protocol):
    """The body of a request of the Worker."""

    def platform_stream(self) -> Any:
        """The runtime's own stream, instead of bytes; None without a body."""
        ...


class R2PartStore:
    """The parts in one bucket."""

    def __init__(self, bucket: Any, javascript: JavaScript, clock: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._javascript = javascript
        self._clock = clock

    async def put(self, part_id: str, ttl: int, length: int, body: AsyncIterable[bytes]) -> PartKept:
        expires_at = int(self._clock()) + ttl
        options = {**ONLY_IF_FREE, "customMetadata": {EXPIRES_AT: str(expires_at)}}
        stream = cast("PlatformBody", body).platform_stream() if length else ""  # R2 refuses a stream without a byte
        put = await platform_call(self._bucket.put(part_id, stream, self._javascript.to_object(options)))
        if _is_object(put):
            return PartKept(is_new=True, expires_at=expires_at)
        there = await platform_call(self._bucket.head(part_id))
        if _is_object(there) and (kept_until := _expires_at(there)) > self._clock():
            return PartKept(is_new=False, expires_at=kept_until)
        await platform_call(self._bucket.delete(part_id))
        raise StorageUnavailable("an expired part was in the way")  # the body is used up: the client sends it again

    async def get(self, part_id: str) -> StoredPart | None:
        part = await platform_call(self._bucket.get(part_id))
        if not _is_object(part) or _expires_at(part) <= self._clock():
            return None
        return StoredPart(part.size, part.body)

    async def delete(self, part_id: str) -> bool:
        there = await platform_call(self._bucket.head(part_id))
        if not _is_object(there):
            return False
        await platform_call(self._bucket.delete(part_id))
        return _expires_at(there) > self._clock()


def _is_object(result: Any) -> bool:
    """Whether it is an object of R2, and not null. In Python, an object of JavaScript whose `size` is 0 is false."""
    return bool(getattr(result, "key", ""))


def _expires_at(part: Any) -> float:
    """Of an object of R2. One that this service has not put there is gone already."""
    text = getattr(part.customMetadata, EXPIRES_AT, "")
    return int(text) if text.isascii() and text.isdigit() else 0
