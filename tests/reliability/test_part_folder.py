"""Parts in a folder: what is there after a crash, a copy, and a full disk; and who can read it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crypt_api.server.parts import file_storage_room
from crypt_api.server.parts import folder as module
from crypt_api.server.parts.file_storage_room import BLOCK_BYTES
from crypt_api.server.parts.folder import FolderPartStore
from crypt_api.server.stores.sqlite import files
from crypt_core.store import StorageUnavailable
from tests.contract.test_part_store_contract import ID, NOW, OTHER, Clock, body, content
from tests.support.sqlite_files import until


def parts_in(tmp_path: Path, clock: Clock | None = None, max_bytes: int = 0) -> FolderPartStore:
    return FolderPartStore(tmp_path / "files", max_bytes=max_bytes, clock=clock or Clock())


async def test_parts_and_their_times_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    parts = parts_in(tmp_path)
    await parts.put(ID, 60, 3, body(b"abc"))
    parts.close()
    (tmp_path / "files/upload-left-by-a-crash").write_bytes(b"half")
    again = parts_in(tmp_path, clock, max_bytes=BLOCK_BYTES)
    assert await content(again) == b"abc"
    assert again.usage.bytes == BLOCK_BYTES
    assert again.usage.refuses
    assert not (tmp_path / "files/upload-left-by-a-crash").exists()
    clock.now += 60
    again.sweep()
    assert again.usage.bytes == 0
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    again.close()


async def test_a_copy_that_loses_the_times_loses_parts_early_and_makes_none_wrong(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    await parts.put(ID, 60, 3, body(b"abc"))
    parts.close()
    [path] = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    os.utime(path, (NOW - 1, NOW - 1))
    again = parts_in(tmp_path)
    assert await content(again) is None
    again.close()


async def test_the_owner_alone_can_read_the_folder(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    await parts.put(ID, 60, 3, body(b"abc"))
    parts.close()
    for path in [tmp_path / "files", *(tmp_path / "files").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_sweep_leaves_the_part_that_took_an_expired_ones_place(tmp_path: Path) -> None:
    clock = Clock()
    parts = parts_in(tmp_path, clock)
    await parts.put(ID, 60, 3, body(b"abc"))
    await parts.put(OTHER, 3_600, 3, body(b"xyz"))
    clock.now += 60
    await parts.put(ID, 60, 3, body(b"new"))
    parts.sweep()
    assert (await content(parts), await content(parts, OTHER)) == (b"new", b"xyz")
    parts.close()


async def test_below_the_free_room_that_messages_need_parts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_storage_room, "MIN_FREE_BYTES", 1 << 60)
    parts = parts_in(tmp_path)
    with pytest.raises(StorageUnavailable, match="disk is too full"):
        await parts.put(ID, 60, 3, body(b"abc"))
    assert parts.usage.refuses
    parts.close()


async def test_uploads_at_once_leave_messages_the_free_room_that_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one finds the disk as free as the others do, before the first byte of any of them is written."""
    parts = parts_in(tmp_path)
    free_bytes = file_storage_room.MIN_FREE_BYTES + 2 * BLOCK_BYTES
    monkeypatch.setattr(parts, "_disk_free_bytes", lambda: free_bytes)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.set()
        await go_on.wait()
        yield bytes(2 * BLOCK_BYTES)

    first = asyncio.ensure_future(parts.put(ID, 60, 2 * BLOCK_BYTES, slow()))
    await begun.wait()
    with pytest.raises(StorageUnavailable, match="disk is too full"):
        await parts.put(OTHER, 60, 2 * BLOCK_BYTES, body(bytes(2 * BLOCK_BYTES)))
    go_on.set()
    await first
    await until(lambda: not parts.usage.refuses)  # a thread ends the upload
    assert (await parts.put(OTHER, 60, 2 * BLOCK_BYTES, body(bytes(2 * BLOCK_BYTES)))).is_new  # the disk tells of it
    parts.close()


async def test_an_error_of_the_system_names_no_part(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    (tmp_path / "files" / ID[:2]).write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageUnavailable) as error:
        await parts.put(ID, 60, 3, body(b"abc"))
    assert ID not in str(error.value)
    parts.close()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_while_the_folder_is_away_nothing_is_known_of_its_parts(tmp_path: Path, is_replaced: bool) -> None:  # noqa: FBT001
    parts = parts_in(tmp_path)
    await parts.put(ID, 60, 3, body(b"abc"))
    (tmp_path / "files").rename(tmp_path / "moved")
    if is_replaced:
        (tmp_path / "files").mkdir()
    for call in (parts.get(ID), parts.delete(ID), parts.put(OTHER, 60, 3, body(b"abc"))):
        with pytest.raises(StorageUnavailable, match="not the one that was opened"):
            await call
    assert parts.usage.readiness() == {"files": "unavailable"}
    assert parts.usage.refuses
    (tmp_path / "moved").rename(tmp_path / "files")
    assert await content(parts) == b"abc"
    assert parts.usage.readiness() == {"files": "ok"}
    parts.close()


async def test_an_upload_whose_file_was_removed_gives_its_room_back(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(module.PIECE_BYTES)
        [upload] = (tmp_path / "files").glob("upload-*")
        upload.unlink()

    with pytest.raises(StorageUnavailable):
        await parts.put(ID, 60, 1 << 20, broken())
    await until(lambda: parts.usage.bytes == 0)
    parts.close()


async def test_what_is_no_part_is_left_alone(tmp_path: Path) -> None:
    """A folder that is a disk of its own has `lost+found`."""
    (tmp_path / "files/lost+found").mkdir(parents=True)
    (tmp_path / "files/lost+found/7").write_bytes(b"abc")
    clock = Clock()
    parts = parts_in(tmp_path, clock)
    assert parts.usage.bytes == 0
    clock.now += 1e9
    parts.sweep()
    assert (tmp_path / "files/lost+found/7").exists()
    parts.close()


async def test_a_part_is_on_the_disk_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def noting(name: str, function: Callable[..., None]) -> Callable[..., None]:
        def noted(*arguments: object, **options: object) -> None:
            done.append(name)
            function(*arguments, **options)

        return noted

    monkeypatch.setattr(module, "sync", noting("sync", files.sync))
    monkeypatch.setattr(module, "sync_folder", noting("folder", files.sync_folder))
    monkeypatch.setattr(os, "link", noting("link", os.link))
    parts = parts_in(tmp_path)
    done.clear()

    async def all_at_once() -> AsyncIterator[bytes]:
        yield b"abc"

    await parts.put(ID, 60, 3, all_at_once())
    assert done == ["sync", "folder", "link", "folder"]
    parts.close()
