"""Files on their way to the service: lines that break, senders that give up, and services that refuse."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api import AsyncClient, Attachment, Client, errors
from crypt_api.client import uploads
from crypt_api.client.upload_journals import Journal
from tests.support.file_clients import Connect, Dribble, Meddling, P, left_on_disk, no_pause
from tests.support.platforms import Platform
from tests.support.transports import ManyAddresses, ManyAddressesAsync


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_an_upload_that_was_interrupted_goes_on(connect: Connect, big: Path, tmp_path: Path, fails_at: int) -> None:
    """The line breaks at each part, after the service has got it. The first part is looked for again."""
    journal = tmp_path / "state/journal"

    def down(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number >= fails_at:
            raise httpx.ConnectError("no route to host")
        return response

    client, broken = connect(down)
    with pytest.raises(errors.Unavailable):
        client.send(files=[big], journal=journal)
    assert journal.stat().st_mode & 0o777 == 0o600
    assert broken.count("DELETE") == 0
    client, whole = connect()
    link = client.send(files=[big], journal=journal).link
    assert whole.count("PUT") == 4 - (fails_at - 1) + (fails_at > 1)
    assert len(set(broken.parts + whole.parts)) == 4
    assert not journal.exists()
    assert client.read(link).files[0].read() == big.read_bytes()


def test_an_upload_of_something_else_starts_anew(connect: Connect, big: Path, tmp_path: Path) -> None:
    """Even with the size and the time of before: programs of encrypted containers put it back."""
    journal = tmp_path / "journal"

    def down(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number > 2:
            raise httpx.ConnectError("no route to host")
        return response

    client, broken = connect(down)
    with pytest.raises(errors.Unavailable):
        client.send(files=[big], journal=journal)
    before = big.stat()
    big.write_bytes(os.urandom(3 * P + 5))
    os.utime(big, ns=(before.st_atime_ns, before.st_mtime_ns))
    client, whole = connect()
    link = client.send(files=[big], journal=journal).link
    assert whole.count("PUT") == 4
    assert not set(broken.parts) & set(whole.parts)  # one key and one number seal one content
    assert client.read(link).files[0].read() == big.read_bytes()


def test_a_journal_is_for_one_program_and_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal")
    with pytest.raises(BlockingIOError):
        Journal(tmp_path / "journal")
    journal.close()
    (tmp_path / "journal").write_bytes(b'{"key": "torn')
    journal = Journal(tmp_path / "journal")
    assert journal.load() is None
    journal.close()
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    with pytest.raises(PermissionError):  # its owner would know the key, and fetch the files
        Journal(tmp_path / "journal")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_upload_that_is_cancelled_leaves_nothing(
    connect: Connect, files_platform: Platform, big: Path, tmp_path: Path, kind: type[BaseException]
) -> None:
    before = left_on_disk(files_platform)

    def cancel(number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number == 3 and request.method == "PUT":
            raise kind
        return response

    client, transport = connect(cancel)
    with pytest.raises(kind):
        client.send(files=[big], journal=tmp_path / "journal")
    puts = {part.removeprefix("PUT") for part in transport.parts if part.startswith("PUT")}
    assert puts == {part.removeprefix("DELETE") for part in transport.parts if part.startswith("DELETE")}
    assert len(puts) == 3
    assert left_on_disk(files_platform) == before
    assert not (tmp_path / "journal").exists()


async def test_asyncios_cancellation_leaves_nothing(files_platform: Platform, big: Path) -> None:
    before = left_on_disk(files_platform)
    methods: list[str] = []

    class Waiting(ManyAddressesAsync):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            methods.append(request.method)
            response = await super().handle_async_request(request)
            if methods.count("PUT") == 3 and request.method == "PUT":
                waits.set()
                await asyncio.Event().wait()
            return response

    waits = asyncio.Event()
    async with AsyncClient(files_platform.url, transport=Waiting(files_platform)) as client:
        sending = asyncio.create_task(client.send(files=[big]))
        await waits.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert methods.count("DELETE") == 3
    assert left_on_disk(files_platform) == before


def test_a_file_that_changes_is_not_sent(connect: Connect, big: Path) -> None:
    def change(number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if (number, request.method) == (2, "PUT"):
            with big.open("ab") as file:
                file.write(b"more")
        return response

    client, transport = connect(change)
    with pytest.raises(errors.FileChanged, match=r"big\.bin has changed"):
        client.send(files=[big])
    assert transport.count("DELETE") == 3


def test_only_regular_files_are_sent(connect: Connect, tmp_path: Path) -> None:
    client, transport = connect()
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(OSError, match=r"regular|No such|directory"):
            client.send(files=[tmp_path / name])
    assert transport.requests == []


def answered(path: str, response: httpx.Response, platform: Platform) -> tuple[Client, list[str]]:
    """A client whose service gives this response to each request with the ending `path`."""
    requests: list[str] = []

    class Answering(ManyAddresses):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            requests.append(f"{request.method} {request.url.path[-6:]}")
            return response if request.url.path.endswith(path) else super().handle_request(request)

    return Client(platform.url, transport=Answering(platform), sleep=no_pause), requests


LIMITS: dict[str, Any] = {
    "message_bytes": 102_400,
    "min_ttl": 60,
    "max_ttl": 86_400,
    "default_ttl": 86_400,
    "max_reads": 100,
    "token": False,
    "files": {"max_bytes": 300_000, "part_bytes": 4_194_333, "extra_ttl": 14_400},
}


@pytest.mark.parametrize(
    ("limits", "options", "error", "words"),
    [
        (httpx.Response(404, json={"error": "Not found"}), {}, errors.FilesOff, "no files"),
        (httpx.Response(200, json=LIMITS | {"files": None}), {}, errors.FilesOff, "no files"),
        (httpx.Response(200, json=LIMITS), {}, errors.ContentTooLarge, "330,005 bytes together.*takes 300,000"),
        (httpx.Response(200, json=LIMITS), {"ttl": 5}, errors.Refused, "60 to 86400 seconds"),
        (httpx.Response(200, json=LIMITS), {"reads": 101}, errors.Refused, "1 to 100 readers"),
        (httpx.Response(200, json=LIMITS | {"files": {"max_bytes": 1}}), {}, errors.Unavailable, "not this service"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_refused_before_anything_is_sent(  # noqa: PLR0913, PLR0917 - one for each thing that differs
    server: Platform, big: Path, limits: httpx.Response, options: dict[str, int], error: type[Exception], words: str
) -> None:
    client, requests = answered("/-/limits", limits, server)
    with client, pytest.raises(error, match=words):
        client.send(files=[big], **options)  # type: ignore[arg-type]
    assert requests == ["GET limits"]


@pytest.mark.usefixtures("_small_parts")
def test_a_pipe_that_is_too_large_leaves_nothing(server: Platform) -> None:
    before = left_on_disk(server)
    client, requests = answered("/-/limits", httpx.Response(200, json=LIMITS), server)
    with client, pytest.raises(errors.ContentTooLarge, match="more than 300,000 bytes"):
        client.send(files=[Attachment(Dribble(bytes(400_000)), "dump")])
    assert [request.partition(" ")[0] for request in requests] == ["GET", "PUT", "PUT", *["DELETE"] * 3]
    assert left_on_disk(server) == before


def test_the_rate_limit_is_waited_for_and_a_budget_is_not(server: Platform, big: Path) -> None:
    pauses: list[float] = []
    limited = httpx.Response(429, json={"error": "Rate limit exceeded"}, headers={"Retry-After": "1"})

    def often(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return limited if number % 10 else response

    with Client(server.url, transport=Meddling(server, often), sleep=pauses.append) as client:
        client.send(files=[big])
    assert pauses == [1.0] * 36
    spent = httpx.Response(429, json={"error": "", "code": "upload_budget"}, headers={"Retry-After": "600"})
    transport = Meddling(server, lambda number, _request, response: spent if number == 2 else response)
    with (
        Client(server.url, transport=transport, sleep=pauses.append) as client,
        pytest.raises(errors.UploadBudgetExhausted, match="wait 10 minutes") as error,
    ):
        client.send(files=[big])
    assert (error.value.retry_after, transport.count("PUT")) == (600, 2)


def test_the_client_waits_before_the_rate_limit_refuses_a_part(server: Platform, big: Path) -> None:
    pauses: list[float] = []
    used_up = {"RateLimit": '"default";r=0;t=1'}

    def last_one(_number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(response.status_code, content=response.content, headers=used_up)

    with Client(server.url, transport=Meddling(server, last_one), sleep=pauses.append) as client:
        client.send(files=[big])
    assert pauses == [1.0] * 4


@pytest.mark.parametrize("fault", [httpx.WriteTimeout("slow"), httpx.ReadError("reset"), 408, 413])
def test_large_parts_that_do_not_arrive_become_small_ones(
    server: Platform, big: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception | int
) -> None:
    monkeypatch.setattr(uploads, "SMALL_PART_BYTES", 50_000)

    def slow(number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "PUT" and number >= 2 and int(request.headers["content-length"]) > 60_000:
            if isinstance(fault, Exception):
                raise fault
            return httpx.Response(fault, text="<html>")
        return response

    transport = Meddling(server, slow)
    with Client(server.url, transport=transport, sleep=no_pause) as client:
        link = client.send(files=[big, Attachment(Dribble(b"x"), "pipe")]).link
        small = -(-(3 * P + 6) // 50_000)
        assert transport.count("PUT") == 1 + (1 if fault == 413 else 3) + small
        assert transport.count("DELETE") == 2  # of the attempt with large ones
        assert client.read(link).files[0].read() == big.read_bytes()


def test_no_message_outlives_its_parts(server: Platform, big: Path) -> None:
    transport = Meddling(server)

    def late(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """The first part is there from an earlier attempt, and goes soon."""
        if number == 1:
            return httpx.Response(200, json={"expires_at": "2026-01-01T00:00:00Z"})
        return response

    transport.meddle = late
    with Client(server.url, transport=transport, sleep=no_pause) as client, pytest.raises(errors.UploadExpired):
        client.send(files=[big])
    assert "PUT part" in transport.requests
    assert transport.requests[-1] == "DELETE part"


def test_parts_live_four_hours_longer_than_the_message(server: Platform, big: Path) -> None:
    lifetimes: list[str] = []

    def note(_number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        lifetimes.append(request.headers["ttl"])
        return response

    with Client(server.url, transport=Meddling(server, note)) as client:
        client.send(files=[big], ttl=3_600)
        client.send(files=[big])
    assert lifetimes == [str(3_600 + 14_400)] * 4 + [str(86_400 + 14_400)] * 4


def test_a_proxy_that_takes_no_parts_at_all_is_told(server: Platform, big: Path, tmp_path: Path) -> None:
    client, _ = answered("/part", httpx.Response(413, text="<html>"), server)
    with client, pytest.raises(errors.Refused, match="A proxy before the service"):
        client.send(files=[big], journal=tmp_path / "journal")
    assert not (tmp_path / "journal").exists()
