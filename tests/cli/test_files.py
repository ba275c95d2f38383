"""The Python client sends files and reads them, on both platforms."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api import AsyncClient, Attachment, Client, errors
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.downloads import Download
from crypt_api.client.drivers import AsyncDriver
from crypt_api.client.envelope import Secret
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.messages import async_message_of
from crypt_core.create_tokens import new_token
from tests.support import platforms
from tests.support.file_clients import Connect, Dribble, P
from tests.support.full_disk import full_disk_here
from tests.support.platforms import Platform
from tests.support.transports import ManyAddresses, ManyAddressesAsync

pytestmark = pytest.mark.both_platforms


def test_a_file_of_any_size_is_read_as_it_was_sent(connect: Connect, tmp_path: Path) -> None:
    client, transport = connect()
    for size, parts in ((0, 0), (1, 0), (MAX_CONTENT_BYTES, 0), (P - 1, 1), (P, 1), (P + 1, 2), (3 * P, 3)):
        data = os.urandom(size)
        path = tmp_path / f"{size}.bin"
        path.write_bytes(data)
        transport.parts.clear()
        link = client.send(files=[path]).link
        assert transport.count("PUT") == parts
        with client.reading(link) as message:
            [file] = message.files
            assert (file.name, file.media_type, file.size) == (path.name, "application/octet-stream", size)
            saved = file.save(tmp_path / f"saved {size}")
            assert saved.read_bytes() == data
            assert saved.stat().st_mode & 0o777 == 0o600
        assert (transport.count("GET"), transport.count("DELETE")) == (parts, parts)


def test_a_hundred_files_are_one_stream(connect: Connect) -> None:
    sizes = [P - 3, 0, 1, 2 * P + 1, *[1_000] * 96]
    data = [os.urandom(size) for size in sizes]
    names = [f"složka {n}/žluť 🐎\u0301 {n}.txt" for n in range(100)]
    client, transport = connect()
    files = [Attachment(content, name) for content, name in zip(data, names, strict=True)]
    message = client.read(client.send("all of it", files=files).link)
    assert message.text == "all of it"
    assert [file.name for file in message.files] == [file.safe_path for file in message.files] == names
    assert [file.read() for file in message.files] == data
    assert transport.count("GET") == 4  # though four of the files lie in two parts each
    assert message.files[3].read() == data[3]  # as often as it is wanted
    with pytest.raises(errors.TooManyFiles):
        client.send(files=[*files, files[0]])


def test_small_files_need_no_parts(connect: Connect) -> None:
    client, transport = connect()
    files = [Attachment(b"one", "a/x"), Attachment(b"", "a/y"), Attachment(b"three", "x")]
    message = client.read(client.send("note", files=files).link)
    assert [(file.name, file.read()) for file in message.files] == [("a/x", b"one"), ("a/y", b""), ("x", b"three")]
    assert transport.parts == []
    with pytest.raises(errors.CryptApiError):
        message.ticket()


def test_a_pipe_is_sent_without_knowing_its_end(connect: Connect) -> None:
    client, _ = connect()
    for size in (5, P, 2 * P + 9):
        data = os.urandom(size)
        link = client.send(files=[Attachment(Dribble(data), "dump"), Attachment(b"x", "after")]).link
        assert [file.read() for file in client.read(link).files] == [data, b"x"]


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


async def test_asyncio_does_the_same(files_platform: Platform, big: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    async with AsyncClient(files_platform.url, transport=ManyAddressesAsync(files_platform)) as client:
        sent = await client.send("note", files=[big, Attachment(b"x", "x")], progress=lambda *now: seen.append(now))
        async with client.reading(sent.link) as message:
            assert message.text == "note"
            ticket = message.ticket()
            saved = await message.files[0].save(tmp_path / "saved")
            assert await message.files[1].read() == b"x"
        assert same(saved, big)
    total = 3 * P + 6
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    async with AsyncClient(files_platform.url, transport=ManyAddressesAsync(files_platform)) as client:
        with pytest.raises(errors.PartMissing):  # the reading has deleted them
            await client.resume(ticket).files[0].read()


@pytest.mark.parametrize("is_full", [True, False])
async def test_a_file_that_is_not_saved_whole_leaves_nothing(tmp_path: Path, is_full: bool) -> None:  # noqa: FBT001
    """It is cancelled while it is opened; or the disk is full, also for what is still to be written at its end."""
    size = 300_000
    manifest = Manifest((FileEntry("a", "", 2 * size),), inline=bytes(size), part_bytes=size)
    driver = AsyncDriver(None, asyncio.sleep)
    [file] = async_message_of(driver.run, "", Download("", manifest)).files
    if is_full:
        with pytest.raises(OSError, match="large"), full_disk_here(size - 1_000):
            await file.save(tmp_path / "a")
    else:
        saving = asyncio.create_task(file.save(tmp_path / "a"))
        await asyncio.sleep(0)
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
    await asyncio.get_running_loop().shutdown_default_executor()
    assert not (tmp_path / "a").exists()


def test_parts_are_sent_with_the_token(tmp_path: Path, big: Path) -> None:
    token, line = new_token("otter")
    (tmp_path / "tokens").write_text(line)
    flags = (f"--create-tokens={tmp_path}/tokens", "--rate-limit-per-second=0")
    with platforms.server(tmp_path, *flags) as platform:
        with Client(platform.url) as client, pytest.raises(errors.TokenRequired):
            client.send(files=[big])
        with Client(platform.url, token=token) as client:
            assert client.read(client.send(files=[big]).link).files[0].read() == big.read_bytes()


def test_the_timeout_is_the_callers(server: Platform) -> None:
    seen: list[float] = []

    class Noting(ManyAddresses):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.extensions["timeout"]["read"])
            return super().handle_request(request)

    with Client(server.url, timeout=7.0, transport=Noting(server)) as client:
        client.read(client.send("secret").link)
    assert seen == [7.0, 7.0, 5.0]


def test_no_request_and_no_text_has_the_key(server: Platform, big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    manifests: list[Manifest] = []
    seal = Secret.seal

    def note(secret: Secret, content: Any, keys: Any, **options: Any) -> str:
        manifests.append(content)
        return seal(secret, content, keys, **options)

    class Listening(ManyAddresses):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            said.append(f"{request.url} {request.headers.raw!r} {request.read()!r}")
            return super().handle_request(request)

    monkeypatch.setattr(Secret, "seal", note)
    with Client(server.url, transport=Listening(server)) as client:
        message = client.read(client.send("unmistakable", files=[big]).link)
        message.files[0].read()
    [manifest] = manifests
    everything = "\n".join(said) + repr(message) + repr(message.files) + repr(manifest)
    assert manifest.list_fields()["key"] not in everything
    assert "unmistakable" not in everything
    assert "big.bin" not in "\n".join(said)
