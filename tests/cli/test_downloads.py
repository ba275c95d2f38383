"""Files on their way from the service: parts that are forged, lines that break, and what is on the disk."""

import errno
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api import Attachment, errors
from crypt_api.client import downloads
from crypt_api.client.downloads import Download
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.parts import PartKeys
from tests.support.file_clients import Connect


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
