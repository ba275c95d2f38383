"""What every store of parts promises, over all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from crypt_api.server.parts.file_storage_room import BLOCK_BYTES
from crypt_api.server.parts.folder import FolderPartStore
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.parts.object_store import ObjectPartStore
from crypt_api.server.parts.object_store_url import parse_url
from crypt_core.parts import PartKept
from crypt_core.store import StorageUnavailable
from tests.support.isolation import PROCESSES_AND_CONNECTIONS, allow
from tests.support.s3 import CREDENTIALS, shared_s3
from tests.support.valkey import new_prefix

PartStores = MemoryPartStore | FolderPartStore | ObjectPartStore
with_a_cap = pytest.mark.parametrize("kind", ["memory", "folder"])
NOW = 1_800_000_000.0
ID = "q83vASNFZ4mrze8BI0VniQ"
OTHER = "r83vASNFZ4mrze8BI0VniQ"
DATA = bytes(range(256)) * 3_000  # many pieces


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "folder", "object store"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def open_parts(
    kind: str, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int], PartStores]]:
    opened: list[PartStores] = []

    def open_store(max_bytes: int = 0) -> PartStores:
        store: PartStores
        if kind == "memory":
            store = MemoryPartStore(max_bytes, clock)
        elif kind == "folder":
            store = FolderPartStore(tmp_path / "files", max_bytes=max_bytes, clock=clock)
        else:
            for name, value in CREDENTIALS.items():
                monkeypatch.setenv(name, value)
            with allow(PROCESSES_AND_CONNECTIONS):
                store = ObjectPartStore(parse_url(shared_s3().url(new_prefix())), clock)
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def parts(open_parts: Callable[[int], PartStores]) -> PartStores:
    return open_parts(0)


async def body(data: bytes, piece: int = 1_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), piece):
        yield data[start : start + piece]


async def content(parts: PartStores, part_id: str = ID) -> bytes | None:
    part = await parts.get(part_id)
    if part is None:
        return None
    data = b"".join([piece async for piece in part.body])
    assert len(data) == part.length
    return data


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def until_used(parts: PartStores, used_bytes: int) -> None:
    """Room is given back in a thread. A bucket has no cap, and its room is not counted."""
    if isinstance(parts, ObjectPartStore):
        used_bytes = 0
    for _ in range(4_000):
        if parts.usage.bytes == used_bytes:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(parts.usage)


@pytest.mark.parametrize("data", [b"", b"x", DATA])
async def test_what_is_put_is_there_until_it_is_deleted(parts: PartStores, data: bytes) -> None:
    assert await content(parts) is None
    assert await parts.put(ID, 60, len(data), body(data)) == PartKept(is_new=True, expires_at=NOW + 60)
    for _ in range(3):
        assert await content(parts) == data
    assert await parts.delete(ID)
    assert not await parts.delete(ID)
    assert await content(parts) is None


async def test_a_part_that_is_there_stays_unchanged(parts: PartStores) -> None:
    await parts.put(ID, 60, 1, body(b"a"))
    assert await parts.put(ID, 3_600, 2, body(b"bb")) == PartKept(is_new=False, expires_at=NOW + 60)
    assert await content(parts) == b"a"
    await until_used(parts, BLOCK_BYTES)


async def test_of_uploads_at_once_one_is_kept(parts: PartStores) -> None:
    bodies = [bytes([number]) * 10_000 for number in range(16)]
    kept = await asyncio.gather(*(parts.put(ID, 60, len(data), body(data)) for data in bodies))
    assert sum(outcome.is_new for outcome in kept) == 1
    assert await content(parts) == bodies[[outcome.is_new for outcome in kept].index(True)]
    await until_used(parts, 3 * BLOCK_BYTES)


async def test_a_part_expires_and_its_id_is_free_again(parts: PartStores, clock: Clock) -> None:
    await parts.put(ID, 60, 1, body(b"a"))
    clock.now += 60
    assert await content(parts) is None
    assert not await parts.delete(ID)
    assert (await parts.put(ID, 60, 2, body(b"bb"))).is_new
    assert await content(parts) == b"bb"
    await until_used(parts, BLOCK_BYTES)


@pytest.mark.parametrize("length", [9_999, 10_001])
async def test_a_body_of_another_length_is_not_kept(parts: PartStores, length: int) -> None:
    with pytest.raises(StorageUnavailable, match="as long as announced"):
        await parts.put(ID, 60, length, body(b"x" * 10_000))
    assert await content(parts) is None
    await until_used(parts, 0)


async def test_an_upload_that_breaks_off_leaves_nothing(parts: PartStores, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA[:300_000]
        raise ConnectionResetError

    async def endless() -> AsyncIterator[bytes]:
        yield DATA[:300_000]
        await asyncio.Event().wait()

    with pytest.raises(ConnectionResetError):
        await parts.put(ID, 60, len(DATA), broken())
    cancelled = asyncio.ensure_future(parts.put(ID, 60, len(DATA), endless()))
    await asyncio.sleep(0.05)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await until_used(parts, 0)
    assert await content(parts) is None
    assert files_below(tmp_path) == []


@with_a_cap
async def test_beyond_the_cap_new_parts_are_refused_and_others_stay(
    open_parts: Callable[[int], PartStores], clock: Clock
) -> None:
    parts = open_parts(10 * BLOCK_BYTES)
    await parts.put(ID, 60, 10 * BLOCK_BYTES, body(bytes(10 * BLOCK_BYTES)))
    assert parts.usage.refuses
    for data in (b"x", b""):  # an empty one has a name, of which a disk has only so many
        with pytest.raises(StorageUnavailable, match="cap"):
            await parts.put(OTHER, 60, len(data), body(data))
    assert await content(parts) == bytes(10 * BLOCK_BYTES)
    await parts.delete(ID)
    assert (await parts.put(OTHER, 60, 1, body(b"x"))).is_new
    clock.now += 60


@with_a_cap
async def test_a_part_is_not_kept_before_its_room_is_free(open_parts: Callable[[int], PartStores]) -> None:
    parts = open_parts(10 * BLOCK_BYTES)
    taken = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        taken.set()
        await asyncio.sleep(0.05)
        yield bytes(9 * BLOCK_BYTES)

    first = asyncio.ensure_future(parts.put(ID, 60, 9 * BLOCK_BYTES, slow()))
    await taken.wait()
    with pytest.raises(StorageUnavailable, match="cap"):
        await parts.put(OTHER, 60, 2 * BLOCK_BYTES, body(bytes(2 * BLOCK_BYTES)))
    assert (await first).is_new
