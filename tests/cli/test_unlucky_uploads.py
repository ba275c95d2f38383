"""Uploads whose journal, file or service is not what it was, or says what is not so: no message loses its files."""

import errno
import json
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from crypt_api import Client, errors
from crypt_api.cli import main
from crypt_api.client import attachments
from crypt_api.client.parts import KEY_BYTES, PartKeys
from crypt_api.client.upload_journals import Journal
from crypt_core.encoding import decode_base64url, encode_base64url
from tests.support.file_clients import Meddling, P, no_pause
from tests.support.platforms import Platform
from tests.support.transports import ManyAddresses


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


def test_an_answer_that_was_interrupted_goes_on_and_no_other_one(
    server: Platform, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(number: int, _request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if number > 3:
            raise httpx.ConnectError("no route to host")
        return response

    def run(link: str, transport: Meddling, *flags: str) -> tuple[int, str]:
        client = partial(Client, transport=transport, sleep=no_pause)
        monkeypatch.setattr(import_module("crypt_api.cli.answer"), "Client", client)
        result = CliRunner().invoke(main, ["answer", link, "--file", str(big), *flags])
        return result.exit_code, result.stderr

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    anew = "No interrupted upload of these files is known; it starts anew."
    broken, whole = Meddling(server, down), Meddling(server)
    with Client(server.url, transport=Meddling(server)) as client:
        asked, other = client.ask("?"), client.ask("?")
        code, said = run(asked.answer_link, broken)
        assert (code, "The same command with --resume goes on." in said) == (7, True)
        code, said = run(other.answer_link, Meddling(server), "--resume")
        assert (code, anew in said) == (0, True)
        code, said = run(asked.answer_link, whole, "--resume")
        assert (code, anew in said) == (0, False)
        for question in (asked, other):
            assert client.read(question.ask_link).files[0].read() == big.read_bytes()
    assert len(set(broken.parts) & set(whole.parts)) == 2  # the first part is asked for again, and the one that failed
    assert list((tmp_path / "crypt-api/uploads").iterdir()) == []


@pytest.mark.parametrize("received", [None, httpx.Response(200, text="<html>"), httpx.Response(521, text="<html>")])
def test_an_answer_that_may_have_arrived_keeps_its_files(
    server: Platform, big: Path, received: httpx.Response | None
) -> None:
    """Its asker has the link, unlike the reader of a message whose sending failed."""

    class Losing(Meddling):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if request.url.path.endswith("/answer"):
                if received is None:
                    raise httpx.ReadError("reset")
                return received
            return response

    with Client(server.url, transport=Losing(server), sleep=no_pause) as client:
        asked = client.ask("?")
        with pytest.raises(errors.AnswerLost):
            client.answer(asked.answer_link, files=[big])
        assert client.read(asked.ask_link).files[0].read() == big.read_bytes()


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
