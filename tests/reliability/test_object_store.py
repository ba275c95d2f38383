"""Parts in an object store: servers that share one, and a store that is away, or is no good."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api.client.parts import PartKeys
from crypt_api.server.edge.limits import MAX_BODY_MEMORY
from crypt_api.server.parts import PartSettings, object_store, open_parts
from crypt_api.server.parts.file_storage_room import FilesUsage
from crypt_api.server.parts.object_store import CHECK, ObjectPartStore
from crypt_api.server.parts.object_store_url import parse_url
from crypt_core.encoding import encode_base64url
from crypt_core.parts import MAX_PART_BYTES
from crypt_core.setting_values import SettingsError
from crypt_core.store import StorageUnavailable
from tests.contract.test_part_store_contract import DATA, ID, Clock, body, content
from tests.support.platforms import start_server
from tests.support.processes import memory, memory_now
from tests.support.s3 import BUCKET, CREDENTIALS, S3Server, shared_s3
from tests.support.services import free_port
from tests.support.valkey import new_prefix, shared_engine

PASSWORD = "hunter2"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3Server]:
    with S3Server(tmp_path) as server:
        yield server


def opened(url: str, clock: Clock | None = None) -> ObjectPartStore:
    return ObjectPartStore(parse_url(url), clock or Clock())


def test_two_servers_share_the_files() -> None:
    keys = PartKeys.generate()
    data, path = keys.seal(0, DATA), f"/{keys.id(0)}/part"
    proof = {"Authorization": f"Bearer {encode_base64url(keys.proof(0))}"}
    flags = (
        f"--store={shared_engine().url}?prefix={new_prefix()}",
        f"--files={shared_s3().url(new_prefix())}",
        "--access-log",
        "--rate-limit-per-second=0",
    )
    with start_server(*flags) as one, start_server(*flags) as two:
        with httpx.Client(base_url=one.url) as at_one, httpx.Client(base_url=two.url) as at_two:
            assert at_one.put(path, content=data, headers={"TTL": "60"}).status_code == 201
            assert at_two.put(path, content=data, headers={"TTL": "60"}).status_code == 200
            assert at_two.get(path, headers=proof).content == data
            assert at_two.get("/-/limits").json()["files"]["max_bytes"] == 100_000_000
            assert at_two.get("/-/ready").json()["files"] == "ok"
            assert at_two.delete(path, headers=proof).status_code == 204
            assert at_one.get(path, headers=proof).status_code == 404
        assert [one.stop(), two.stop()] == [0, 0]
        assert keys.id(0) not in one.output + two.output


def test_uploads_that_never_end_have_bounded_memory_and_take_nothing_from_others() -> None:
    flags = ("--store=memory:", "--rate-limit-per-second=0", f"--files={shared_s3().url(new_prefix())}")
    with start_server(*flags) as server, ExitStack() as uploads:
        port, before = server.port, memory_now(server.pid)
        for number in range(50):
            upload = uploads.enter_context(socket.create_connection(("127.0.0.1", port)))
            upload.settimeout(5)
            path = f"/{number:02}{ID[2:]}/part"
            head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nTTL: 60\r\nContent-Length: {MAX_PART_BYTES}\r\n\r\n"
            with suppress(OSError):  # the server may end any of them
                upload.sendall(head.encode() + bytes(MAX_PART_BYTES - 1))
        assert httpx.post(server.url, json={"message": "hi"}).status_code == 200
        assert memory(server.pid) - before < MAX_BODY_MEMORY + (32 << 20)


async def test_a_store_that_is_away_refuses_and_loses_nothing(own_server: S3Server) -> None:
    parts = opened(own_server.url("p"))
    await parts.put(ID, 60, len(DATA), body(DATA))
    own_server.kill()
    other = "r83vASNFZ4mrze8BI0VniQ"
    for call in (parts.put(other, 60, 1, body(b"x")), parts.get(ID), parts.delete(ID)):
        with pytest.raises(StorageUnavailable) as error:
            await call
        assert str(error.value) == "the object store: GenericError"
    assert parts.usage == FilesUsage(refuses="the object store does not answer", answers=False)
    assert parts.usage.readiness() == {"files": "unavailable"}
    own_server.start()
    assert await content(parts) == DATA
    assert parts.usage.readiness() == {"files": "ok"}
    assert await content(parts, other) is None
    parts.close()


async def test_a_server_starts_without_its_store_and_goes_on_when_it_is_back(
    own_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    own_server.kill()
    with caplog.at_level(logging.WARNING):
        parts = opened(own_server.url("p"))
    assert caplog.messages == ["the object store does not answer: files are refused until it does"]
    assert parts.usage.refuses
    own_server.start()
    assert (await parts.put(ID, 60, 1, body(b"x"))).is_new
    assert not parts.usage.refuses
    parts.close()


async def test_of_uploads_at_once_one_takes_an_expired_parts_place(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, url = Clock(), shared_s3().url(new_prefix())
    one, two = opened(url, clock), opened(url, clock)
    await one.put(ID, 60, 3, body(b"old"))
    clock.now += 60
    look, have_looked, seen = object_store.ObjectPartStore._look, threading.Barrier(8), threading.local()  # noqa: SLF001

    def look_together(self: ObjectPartStore, part_id: str) -> Any:
        """All uploads see the expired part, before any of them replaces it."""
        there = look(self, part_id)
        if not hasattr(seen, "once"):
            seen.once = have_looked.wait(30)
        return there

    monkeypatch.setattr(ObjectPartStore, "_look", look_together)
    kept = await asyncio.gather(*((one, two)[n % 2].put(ID, 60, 1, body(bytes([n]))) for n in range(8)))
    assert {outcome.expires_at for outcome in kept} == {clock.now + 60}
    assert [outcome.is_new for outcome in kept].count(True) == 1
    winner = [outcome.is_new for outcome in kept].index(True)
    assert await content(one) == await content(two) == bytes([winner])
    one.close()
    two.close()


async def test_what_others_have_put_into_the_bucket_is_no_part() -> None:
    prefix = new_prefix()
    parts = opened(shared_s3().url(prefix))
    (shared_s3().objects / prefix / ID).write_bytes(b"no time in its metadata")
    assert await content(parts) is None
    assert not await parts.delete(ID)
    assert (await parts.put(ID, 60, 1, body(b"x"))).is_new
    parts.close()


async def test_a_slow_reader_gets_the_whole_part(monkeypatch: pytest.MonkeyPatch) -> None:
    url, data = shared_s3().url(new_prefix()), DATA * 5
    sender = opened(url)
    await sender.put(ID, 60, len(data), body(data, 100_000))
    sender.close()
    monkeypatch.setattr(object_store, "SILENCE_SECONDS", 1)
    parts = opened(url)
    part = await parts.get(ID)
    assert part is not None
    pieces = []
    async for piece in part.body:
        pieces.append(piece)
        await asyncio.sleep(1.2 if len(pieces) == 2 else 0.02)
    assert b"".join(pieces) == data
    parts.close()


@pytest.mark.parametrize(
    ("bucket", "secret", "reason"),
    [
        ("no-such-bucket", CREDENTIALS["AWS_SECRET_ACCESS_KEY"], "there is no such bucket"),
        (BUCKET, "wrong", "PermissionDeniedError"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_told_at_the_start(
    bucket: str, secret: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with pytest.raises(StorageUnavailable) as error:
        opened(shared_s3().url("p").replace(f"//{BUCKET}/", f"//{bucket}/"))
    assert str(error.value) == f"FILES: the bucket cannot be used: {reason}"


async def test_a_store_that_is_silent_refuses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(object_store, "SILENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        parts = opened(f"s3://{BUCKET}?endpoint=http://127.0.0.1:{silent.getsockname()[1]}")
        assert caplog.messages
        with pytest.raises(StorageUnavailable):
            await parts.get(ID)
        parts.close()


class Overwriting(BaseHTTPRequestHandler):
    """An S3 server that ignores conditions, as some do."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_store_that_overwrites_is_told_at_the_start() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Overwriting)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        with pytest.raises(StorageUnavailable, match="overwrites objects where it should only create them"):
            opened(f"s3://{BUCKET}?endpoint=http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def test_a_second_start_finds_the_first_ones_check() -> None:
    prefix = new_prefix()
    for _ in range(2):
        opened(shared_s3().url(prefix)).close()
    assert [path.name for path in (shared_s3().objects / prefix).iterdir()] == [CHECK]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (f"s3://user:{PASSWORD}@bucket", "must not have a user or a password"),
        (f"s3://bucket?endpoint=https://user:{PASSWORD}@example.org", "must not have a user or a password"),
        (f"s3://bucket?secret_access_key={PASSWORD}", "'secret_access_key' is no option of s3://, or is empty"),
        ("s3://bucket?region=", "'region' is no option"),
        ("s3://bucket?endpoint=example.org", "endpoint must begin with https:// or http://"),
        ("gs://bucket?region=eu", "'region' is no option of gs://"),
        (f"{PASSWORD}", "FILES must be s3://BUCKET"),
        ("s3://", "FILES must be s3://BUCKET"),
        ("http://bucket", "FILES must be s3://BUCKET"),
        ("s3://[bucket", "FILES must be s3://BUCKET"),
        ("az://account", "FILES must be s3://BUCKET"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_secrets(url: str, text: str) -> None:
    with pytest.raises(SettingsError) as error:
        PartSettings.parse(files=url)
    assert text in str(error.value)
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/a/b?region=eu-central-1", "gs://bucket/a"])
def test_urls_of_all_kinds_are_read(url: str) -> None:
    assert parse_url(url).url == url.partition("?")[0]


def test_azures_account_and_container_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing answers there: that obstore takes the account at all is what this shows."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    parts = opened(f"az://account/container/a?endpoint=http://127.0.0.1:{free_port()}/account")
    assert parts.usage == FilesUsage(refuses="the object store does not answer", answers=False)
    parts.close()
    assert parse_url("az://account/container/a").url == "az://container/a"


@pytest.mark.parametrize(
    ("url", "name"),
    [("az://account/container", "AZURE_STORAGE_ACCOUNT_KEY"), ("gs://bucket", "GOOGLE_SERVICE_ACCOUNT")],
)
def test_credentials_that_cannot_be_read_are_told_without_them(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"/{PASSWORD}!")
    with pytest.raises(StorageUnavailable, match="the credentials in the environment, cannot be used") as error:
        opened(url)
    assert error.value.__cause__ is None
    assert PASSWORD not in str(error.value)


def test_with_an_engine_and_no_object_store_files_are_off() -> None:
    assert open_parts("valkey://localhost", PartSettings.parse()) is None
    assert open_parts("valkey://localhost", PartSettings.parse(files="s3://bucket", max_file_storage="0")) is None
