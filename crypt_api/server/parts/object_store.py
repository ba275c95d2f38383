"""Parts in an object store, for several servers: one object a part.

An object is created only if there is none with its name, which is the store's own promise (`If-None-Match` of S3). A
stream would become a multipart upload, which has no such condition. So a part is collected, and sent as a whole; the
edge counts its memory until then, as it counts that of a message.

The time at which a part expires is in the object's metadata, and is looked at. A lifecycle rule of the bucket removes
what nobody asks for any more (`docs/operations.md`).

obstore is called in threads: its asynchronous functions can abort a process that ends a moment later.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, PreconditionError
from obstore.store import from_url

from crypt_api.server.parts.file_storage_room import FilesUsage
from crypt_api.server.parts.object_store_url import ObjectStoreSettings
from crypt_core.parts import PartKept, StoredPart
from crypt_core.store import StorageUnavailable

if TYPE_CHECKING:
    from obstore import GetResult, PutMode

T = TypeVar("T")

logger = logging.getLogger(__name__)

EXPIRES_AT = "expires"
"""The name in the metadata of the Unix time in seconds. The Worker's parts have the same one."""

PIECE_BYTES = 128 << 10
"""Bytes that are handed out at a time, at least."""

THREADS = 16
"""Calls to the object store at a time."""

SILENCE_SECONDS = 20
"""How long the object store may be silent. It is so while it takes a part: 4 MiB in this time are 2 Mbit/s."""

DOWNLOAD_SECONDS = 600
"""What a download may take. The edge ends it much earlier."""

RETRY_SECONDS = 5
"""How long a call that fails is tried again."""

DEADLINE = 30.0
"""Seconds until a request is answered with 503: a thread may not have been free at once."""

CHECK = "conditional-creation"
"""The name of an object that shows at each start whether the store creates conditionally. It has no content."""


class ObjectPartStore:
    """Keeps parts in one bucket, which any number of servers may share."""

    def __init__(self, settings: ObjectStoreSettings, clock: Callable[[], float] = time.time) -> None:
        """Check that the bucket can be used. If it does not answer, that is logged, and parts get 503 until it does.

        Raises:
            StorageUnavailable: The bucket answers, and cannot be used; the text says why.
        """
        config: Any = dict(settings.options)  # each scheme has a type of its own
        if settings.is_s3:
            config["disable_bulk_delete"] = True  # not every store has it, and there is never more than one object
        try:
            self._bucket = from_url(
                settings.url,
                config=config,
                client_options={
                    "allow_http": settings.allows_http,
                    "read_timeout": timedelta(seconds=SILENCE_SECONDS),
                    "timeout": timedelta(seconds=DOWNLOAD_SECONDS),
                },
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
            )
        except BaseError:  # its text may have a part of a key
            raise StorageUnavailable("FILES: the URL, or the credentials in the environment, cannot be used") from None
        self._clock = clock
        self._answers = True
        self._check()
        self._threads = ThreadPoolExecutor(THREADS, "parts")

    async def put(self, part_id: str, ttl: int, length: int, body: AsyncIterable[bytes]) -> PartKept:
        pieces = [piece async for piece in body]
        if sum(map(len, pieces)) != length:
            raise StorageUnavailable("the body is not as long as announced")
        return await self._run(self._put, part_id, ttl, pieces)

    async def get(self, part_id: str) -> StoredPart | None:
        part = await self._run(self._get, part_id)
        if part is None or _expires_at(part) <= self._clock():
            return None
        return StoredPart(part.meta["size"], self._pieces(part))

    async def delete(self, part_id: str) -> bool:
        return await self._run(self._delete, part_id)

    @property
    def usage(self) -> FilesUsage:
        """A bucket has no cap of its own."""
        refuses = "" if self._answers else "the object store does not answer"
        return FilesUsage(refuses=refuses, answers=self._answers)

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown(cancel_futures=True)

    async def _pieces(self, part: "GetResult") -> AsyncIterator[bytes]:
        stream = iter(part.stream(min_chunk_size=PIECE_BYTES))
        while piece := await self._run(next, stream, b""):
            yield piece

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function in a thread. StorageUnavailable for every error: the texts of obstore's have the id."""
        try:
            async with asyncio.timeout(DEADLINE):
                result = await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        except StorageUnavailable:
            raise
        except Exception as error:  # noqa: BLE001
            self._answers = False
            raise StorageUnavailable(f"the object store: {type(error).__name__}") from None
        self._answers = True
        return result

    # In threads

    def _put(self, part_id: str, ttl: int, pieces: list[bytes]) -> PartKept:
        """Create the object. One that has expired is replaced, unless another upload is quicker.

        A call may fail although there is an object: stores that refuse a condition do not read the content, and close
        the connection on somebody who still sends it; or the answer was lost. So that is looked up.
        """
        now = int(self._clock())
        attributes = {EXPIRES_AT: str(now + ttl)}
        mode: PutMode = "create"
        for _ in range(2):
            try:
                obstore.put(self._bucket, part_id, iter(pieces), mode=mode, attributes=attributes)
            except (AlreadyExistsError, PreconditionError, GenericError) as error:
                there = self._look(part_id)
                if there is None and isinstance(error, GenericError):
                    raise
                if there is not None and there.expires_at > now:
                    return PartKept(is_new=False, expires_at=there.expires_at)
                mode = there.this_version if there is not None else "create"
            else:
                return PartKept(is_new=True, expires_at=now + ttl)
        raise StorageUnavailable("another upload or removal of the part was under way")

    def _get(self, part_id: str) -> "GetResult | None":
        try:
            return obstore.get(self._bucket, part_id)
        except FileNotFoundError:
            return None

    def _delete(self, part_id: str) -> bool:
        there = self._look(part_id)
        if there is None:
            return False
        obstore.delete(self._bucket, part_id)
        return there.expires_at > self._clock()

    def _look(self, part_id: str) -> "_Part | None":
        """The part, expired or not, without its content; None if there is none."""
        try:
            part = obstore.get(self._bucket, part_id, options={"head": True})
        except FileNotFoundError:
            return None
        meta = part.meta
        version = {name: meta[name] for name in ("e_tag", "version") if meta[name] is not None}
        return _Part(_expires_at(part), version)  # type: ignore[arg-type]  # a `TypedDict` that is built from another

    def _check(self) -> None:
        """Create an object twice: the second time must be refused."""
        try:
            for _ in range(2):
                obstore.put(self._bucket, CHECK, b"", mode="create")
        except AlreadyExistsError:
            return
        except GenericError:
            self._answers = False
            logger.warning("the object store does not answer: files are refused until it does")
            return
        except Exception as error:  # noqa: BLE001
            reason = "there is no such bucket" if isinstance(error, FileNotFoundError) else type(error).__name__
            raise StorageUnavailable(f"FILES: the bucket cannot be used: {reason}") from None
        raise StorageUnavailable("FILES: the object store overwrites objects where it should only create them")


class _Part(NamedTuple):
    """An object.

    Attributes:
        expires_at: Unix time in seconds.
        this_version: The condition that it is still this one.
    """

    expires_at: float
    this_version: "PutMode"


def _expires_at(part: "GetResult") -> float:
    """Of an object. One that this service has not put there is gone already."""
    text = part.attributes.get(EXPIRES_AT, "")
    return int(text) if text.isascii() and text.isdigit() else 0
