"""Files of any size from page to page, and between the page and the command."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from crypt_api import Client
from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.files_on_page import (
    DirectTabs,
    Files,
    attach,
    change_script,
    digest,
    expected,
    save,
    send,
    stored_parts,
)
from tests.support.page import MESSAGE, reveal, wait_until
from tests.support.platforms import Platform
from tests.support.processes import memory


def test_large_files_arrive_as_they_were_and_nothing_of_them_stays(file_tabs: Tabs, files: Files) -> None:
    before = stored_parts(file_tabs.platform)
    sender = file_tabs.open()
    sender.fill("#text", MESSAGE)
    link = send(sender, files.middle, files.large, new_passphrase="correct horse")
    assert len(stored_parts(file_tabs.platform) - before) == 3
    reader = file_tabs.open(link)
    reader.fill("#passphrase", "correct horse")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    expect(reader.locator("#content-files li")).to_contain_text(["photos ключ.zip 2.5 MB", "video.bin 9 MB"])
    expect(sender.locator("#sent-title")).to_contain_text("It has been read")
    assert save(reader) == expected(files.middle, files.large)
    wait_until(reader, lambda: stored_parts(file_tabs.platform) <= before)
    assert reader.evaluate("sessionStorage.length") == 0
    expect(reader.locator("#content-files li")).to_contain_text(["Saved", "Saved"])
    assert save(reader) == expected(files.middle, files.large)  # the browser may have asked, and been told no


def test_the_page_and_the_command_read_each_others_files(file_tabs: Tabs, files: Files, tmp_path: Path) -> None:
    with Client(file_tabs.platform.url) as client:
        page = file_tabs.open(client.send("a note", files=[files.large, files.small]).link)
        reveal(page)
        assert page.text_content("#content") == "a note"
        assert save(page) == expected(files.large, files.small)
        message = client.read(send(file_tabs.open(), files.large, files.middle))
        saved = [file.save(tmp_path / file.name) for file in message.files]
    assert expected(*saved) == expected(files.large, files.middle)


@pytest.mark.long
def test_100_megabytes_go_between_the_page_and_the_command(
    browser: Browser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path / "disk.img"
    file.write_bytes(random.Random(22).randbytes(100_000_000))
    folder = tmp_path_factory.mktemp("server")
    with platforms.server(folder, "--rate-limit-per-second=0") as platform, DirectTabs(browser, platform) as tabs:
        sender = tabs.open()
        attach(sender, file)
        sender.click("#create")
        expect(sender.locator("#sent")).to_be_visible(timeout=120_000)
        link = sender.input_value("#link")
        command = [sys.executable, "-m", "crypt_api"]
        subprocess.run([*command, "read", link, "-o", "copy"], cwd=tmp_path, check=True)  # noqa: S603
        assert digest((tmp_path / "copy").read_bytes()) == digest(file.read_bytes())
        send_it = [*command, "send", "--file", "copy", "--server", platform.url]
        reader = tabs.new()
        reader.add_init_script("delete window.showSaveFilePicker")  # nobody is there to answer
        reader.goto(subprocess.check_output(send_it, cwd=tmp_path, text=True).strip())  # noqa: S603
        reveal(reader)
        with reader.expect_download(timeout=120_000) as download:
            reader.click("#save")
        assert digest(download.value.path().read_bytes()) == digest(file.read_bytes())
        assert memory(platform.process.pid) < 100_000_000


def test_the_default_rate_of_requests_is_waited_for(browser: Browser, server: Platform, files: Files) -> None:
    """Small parts, one address, three requests in a second. All parts go at once: the fourth comes within a second."""
    with DirectTabs(browser, server) as tabs:
        sender, reader = tabs.new(), tabs.new()
        for page, address in ((sender, server.next_address()), (reader, server.next_address())):
            page.context.set_extra_http_headers({server.address_header: address})
        small = {"return Math.min(MAX_PART_BYTES,": "return Math.min(512 * 1024 - 1,", "AT_ONCE = 2": "AT_ONCE = 5"}
        change_script(sender, "upload.js", small)
        sender.goto(server.url)
        reader.goto(send(sender, files.middle))
        reveal(reader)
        assert save(reader) == expected(files.middle)
        answers = [request.response() for request in tabs.requests]
        assert 429 in [answer.status for answer in answers if answer]


def test_the_worker_takes_files_of_the_page_and_gives_them(
    browser: Browser, worker_with_files: Platform, files: Files
) -> None:
    with DirectTabs(browser, worker_with_files) as tabs:
        sender, reader = tabs.new(), tabs.new()
        for page in (sender, reader):
            address = worker_with_files.next_address()
            page.context.set_extra_http_headers({worker_with_files.address_header: address})
        sender.goto(worker_with_files.url)
        sender.fill("#text", MESSAGE)
        reader.goto(send(sender, files.middle, files.small))
        reveal(reader)
        assert reader.text_content("#content") == MESSAGE
        assert save(reader) == expected(files.middle, files.small)
        wait_until(reader, lambda: any(request.method == "DELETE" for request in tabs.requests))
        answers = [request.response() for request in tabs.requests if request.url.endswith("/part")]
        statuses = [answer.status for answer in answers if answer]
        assert [status for status in statuses if status != 429] == [201, 200, 204]
