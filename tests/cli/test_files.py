"""The Python client sends and reads files, on both platforms, over networks that fail, and services that forge."""

import asyncio
import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api import AsyncClient, Attachment, Client, errors
from crypt_api.client import attachments, downloads, uploads
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.downloads import Download
from crypt_api.client.envelope import Secret
from crypt_api.client.journals import Journal
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.parts import KEY_BYTES, PartKeys
from crypt_core.encoding import decode_base64url, encode_base64url
from tests.support import platforms
from tests.support.platforms import Platform
from tests.support.transports import ManyAddresses, ManyAddressesAsync

P = MAX_CONTENT_BYTES + 7_600
"""Bytes of files in a part here: few, and too many for the message itself."""


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", P)


Meddle = Callable[[int, httpx.Request, httpx.Response], httpx.Response]


class Meddling(ManyAddresses):
    """Notes requests, and lets a function fail, or answer otherwise, at each request about a part."""

    def __init__(self, platform: Platform, meddle: Meddle | None = None) -> None:
        super().__init__(platform)
        self.meddle = meddle or (lambda _number, _request, response: response)
        self.requests: list[str] = []
        self.parts: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_part = request.url.path.endswith("/part")
        self.requests.append(f"{request.method} {'part' if is_part else request.url.path[:3]}")
        response = super().handle_request(request)
        response.read()
        if is_part:
            self.parts.append(f"{request.method} {request.url.path}")
            return self.meddle(len(self.parts), request, response)
        return response

    def count(self, method: str) -> int:
        return sum(part.startswith(method) for part in self.parts)


def no_pause(_seconds: float) -> None:
    """The network of these tests does not get better by waiting."""


@pytest.fixture
def connect(files_platform: Platform) -> Iterator[Callable[..., tuple[Client, Meddling]]]:
    clients: list[Client] = []

    def make(meddle: Meddle | None = None) -> tuple[Client, Meddling]:
        transport = Meddling(files_platform, meddle)
        clients.append(Client(files_platform.url, transport=transport, sleep=no_pause))
        return clients[-1], transport

    yield make
    for client in clients:
        client.close()


Connect = Callable[..., tuple[Client, Meddling]]


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of four parts."""
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(3 * P + 5))
    return path


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


class Dribble:
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, count: int, /) -> bytes:
        count = min(count, 50_000)
        data, self._data = self._data[:count], self._data[count:]
        return data


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


def left_on_disk(platform: Platform) -> set[Path]:
    folder = platform.folder / "messages.db-files"
    return {path for path in folder.rglob("*") if path.is_file()} if platform.name == "server" else set()


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
    journal = tmp_path / "journal"

    def down(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number > 2:
            raise httpx.ConnectError("no route to host")
        return response

    client, broken = connect(down)
    with pytest.raises(errors.Unavailable):
        client.send(files=[big], journal=journal)
    big.write_bytes(os.urandom(3 * P + 5))
    client, whole = connect()
    link = client.send(files=[big], journal=journal).link
    assert whole.count("PUT") == 4
    assert not set(broken.parts) & set(whole.parts)  # one key and one number seal one content
    assert client.read(link).files[0].read() == big.read_bytes()


def delete_first_part(journal: Path, platform: Platform) -> None:
    """As a sender does who is killed while the parts are withdrawn, and an operator who restores a backup."""
    key = json.loads(journal.read_bytes().partition(b"\n")[0])["key"]
    keys = PartKeys(decode_base64url(key, KEY_BYTES) or b"")
    authorization = {"Authorization": f"Bearer {encode_base64url(keys.proof(0))}"}
    with platform.client() as client:
        assert client.delete(f"/{keys.id(0)}/part", headers=authorization).status_code == 204


def damage(number: str, journal: Path) -> None:
    *lines, last = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines, last.replace('"sent": 3', f'"sent": {number}')]) + "\n")


@pytest.mark.parametrize("fault", ["gone", "-1", "6", "1e999", "NaN", "null"])
def test_no_message_is_sent_whose_parts_the_service_has_not(
    server: Platform, big: Path, tmp_path: Path, fault: str
) -> None:
    def down(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number > 3:
            raise httpx.ConnectError("no route to host")
        return response

    journal, broken, whole = tmp_path / "journal", Meddling(server, down), Meddling(server)
    with Client(server.url, transport=broken, sleep=no_pause) as client, pytest.raises(errors.Unavailable):
        client.send(files=[big], journal=journal)
    if fault == "gone":
        delete_first_part(journal, server)
    else:
        damage(fault, journal)
    with Client(server.url, transport=whole) as client:
        link = client.send(files=[big], journal=journal).link
        assert client.read(link).files[0].read() == big.read_bytes()
    assert len(set(broken.parts) & set(whole.parts)) == (1 if fault == "gone" else 0)


def test_a_disk_without_room_for_the_journal_does_not_stop_the_upload(
    server: Platform, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, writes = tmp_path / "journal", []
    write: Callable[..., None] = vars(Journal)["_write"]

    def fill(self: Journal, fields: dict[str, Any]) -> None:
        writes.append(fields)
        if len(writes) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, fields)

    monkeypatch.setattr(Journal, "_write", fill)
    with Client(server.url, transport=Meddling(server)) as client:
        link = client.send(files=[big], journal=journal).link
        assert not journal.exists()
        assert client.read(link).files[0].read() == big.read_bytes()


def test_a_journal_is_for_one_program_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    with pytest.raises(BlockingIOError):
        Journal(tmp_path / "journal")
    journal.close()
    (tmp_path / "journal").write_bytes(b'{"key": "torn')
    journal = Journal(tmp_path / "journal")
    assert journal.load() is None
    journal.close()


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


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data, _: data[:-1] + bytes([data[-1] ^ 1]), errors.BadEnvelope),
        (lambda data, _: data[:-4_096], errors.BadEnvelope),
        (lambda _, other: other, errors.BadEnvelope),
        (lambda *_: b"", errors.BadEnvelope),
        (lambda *_: None, errors.PartMissing),
        (lambda data, _: data + bytes(5_000_000), errors.AnswerLost),
    ],
    ids=["changed", "cut", "swapped", "empty", "missing", "endless"],
)
def test_a_part_that_is_not_the_senders_is_refused(
    connect: Connect, big: Path, tmp_path: Path, change: Any, error: type[Exception]
) -> None:
    bodies: list[bytes] = []

    def forge(_number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "GET":
            return response
        bodies.append(response.content)
        if len(bodies) < 2:
            return response
        data = change(response.content, bodies[0])
        if data is None:
            return httpx.Response(404, json={"error": "", "code": "part_not_found"})
        return httpx.Response(200, content=data)

    client, _ = connect(forge)
    message = client.read(client.send(files=[big]).link)
    with pytest.raises(error):
        message.files[0].save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_reader_whose_line_breaks_reads_on(connect: Connect, big: Path) -> None:
    def break_off(number: int, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "GET" and number % 2:
            raise httpx.ReadError("reset")
        return response

    client, _ = connect(break_off)
    assert client.read(client.send(files=[big]).link).files[0].read() == big.read_bytes()


def test_a_ticket_opens_the_files_in_another_run(connect: Connect, big: Path) -> None:
    client, _ = connect()
    ticket = client.read(client.send("note", files=[big]).link).ticket()
    other, _ = connect()
    message = other.resume(ticket)
    assert (message.text, message.files[0].read()) == ("note", big.read_bytes())
    for text in (
        "",
        "[]",
        "{}",
        ticket[:-1],
        ticket.replace("http", "ftp"),
        ticket.replace('"ticket": 1', '"ticket": 2'),
    ):
        with pytest.raises((errors.BadEnvelope, errors.InvalidLink)):
            other.resume(text)


def test_parts_stay_for_other_readers(connect: Connect, big: Path, tmp_path: Path) -> None:
    client, transport = connect()
    link = client.send(files=[big], reads=2).link
    for name in ("one", "two"):
        with client.reading(link) as message:
            message.files[0].save(tmp_path / name)
    assert transport.count("DELETE") == 0
    link = client.send("note", files=[big]).link
    with client.reading(link) as message:  # nobody has the file yet
        assert message.text == "note"
    assert transport.count("DELETE") == 0
    assert message.files[0].read() == big.read_bytes()
    message.delete_parts()
    assert transport.count("DELETE") == 4


def test_nothing_is_overwritten(connect: Connect, tmp_path: Path) -> None:
    client, _ = connect()
    message = client.read(client.send(files=[Attachment(b"new", "../../x/a.txt")]).link)
    (tmp_path / "a.txt").write_bytes(b"old")
    for place in (tmp_path / "a.txt", tmp_path):
        with pytest.raises(FileExistsError):
            message.files[0].save(place)
    assert (tmp_path / "a.txt").read_bytes() == b"old"


def test_a_full_disk_leaves_no_file(
    connect: Connect, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    client, _ = connect()
    file = client.read(client.send(files=[big]).link).files[0]
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_write", fail)
        with pytest.raises(OSError, match="No space"):
            file.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    assert file.save(tmp_path / "saved").read_bytes() == big.read_bytes()


def test_the_last_part_on_a_disk_is_fetched_again() -> None:
    """A power cut may have left zeros there: it is synced before the next part is written."""
    entries = (FileEntry("a", "", 250), FileEntry("b", "", 1_000))
    download = Download("https://example.org", Manifest(entries, keys=PartKeys.generate(), part_bytes=100))
    assert [download.whole_parts(0, size) for size in (0, 99, 199, 200, 250)] == [0, 0, 0, 100, 100]
    assert [download.whole_parts(1, size) for size in (0, 49, 149, 150, 1_000)] == [0, 0, 0, 50, 850]
    for size in (0, 50, 350):
        assert sum(span.end - span.start for span in download.spans(1, size)) == 1_000 - size


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


def test_a_proxy_that_takes_no_parts_at_all_is_told(server: Platform, big: Path, tmp_path: Path) -> None:
    client, _ = answered("/part", httpx.Response(413, text="<html>"), server)
    with client, pytest.raises(errors.Refused, match="A proxy before the service"):
        client.send(files=[big], journal=tmp_path / "journal")
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("size", [10, P, 2 * P + 1])
def test_a_file_whose_length_the_system_does_not_tell_arrives_whole(
    server: Platform, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux says 0 of the files in /proc."""
    path = tmp_path / "kallsyms"
    path.write_bytes(os.urandom(size))
    monkeypatch.setattr(attachments, "_version", lambda _file: (0, 1, 1))
    with Client(server.url, transport=ManyAddresses(server)) as client:
        [file] = client.read(client.send(files=[path]).link).files
        assert (file.size, file.read()) == (size, path.read_bytes())


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


def test_parts_are_sent_with_the_token(tmp_path: Path, big: Path) -> None:
    from crypt_core.create_tokens import new_token  # noqa: PLC0415

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
