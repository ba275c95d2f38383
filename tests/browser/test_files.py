"""Files of any size from page to page: sent in parts, fetched by one reader, over lines that break."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from crypt_api import Client
from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, create, expect_heading, reveal, wait_until
from tests.support.platforms import Platform

RANDOM = random.Random(22)
MIB = 1_048_576
PARTS = "**/part"
TIMEOUT = 20_000  # milliseconds


class Files(NamedTuple):
    """Files on the disk, from where the browser itself reads them."""

    large: Path
    middle: Path
    small: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    files = Files(folder / "video.bin", folder / "photos ключ.zip", folder / "b.txt")
    for file, size in zip(files, (9_000_000, 2_500_000, 1_000), strict=True):
        file.write_bytes(RANDOM.randbytes(size))
    return files


class DirectTabs(Tabs):
    """Tabs whose requests do not pass through the test, which would take seconds for a large file."""

    def new(self, **settings: Any) -> Page:
        page = super().new(**settings)
        page.unroute_all()
        return page


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with DirectTabs(browser, unlimited_server) as tabs:
        yield tabs


def attach(page: Page, *files: Path) -> None:
    page.set_input_files("#file", list(files))
    expect(page.locator("#attached li")).to_have_count(len(files))


def send(page: Page, *files: Path, **options: str) -> str:
    """Send files; return the link."""
    attach(page, *files)
    for selector, value in options.items():
        page.fill(f"#{selector.replace('_', '-')}", value)
    page.click("#create")
    expect(page.locator("#sent")).to_be_visible(timeout=TIMEOUT)
    return page.input_value("#link")


def save(page: Page, button: str = "#save") -> list[tuple[str, str]]:
    """Save; the names and digests of the files that the browser downloads until all are saved."""
    downloads: list[Any] = []
    page.on("download", lambda download: downloads.append(download))  # noqa: PLW0108
    page.click(button)
    expect(page.locator("#message-lede")).to_contain_text("All files are saved", timeout=TIMEOUT)
    wait_until(page, lambda: len(downloads) == page.locator("#content-files li").count())
    return [(each.suggested_filename, digest(each.path().read_bytes())) for each in downloads]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def expected(*files: Path) -> list[tuple[str, str]]:
    return [(file.name, digest(file.read_bytes())) for file in files]


def stored_parts(platform: Platform) -> list[Path]:
    return [path for path in platform.folder.glob("messages.db-files/*/*") if path.is_file()]


def test_large_files_arrive_as_they_were_and_nothing_of_them_stays(tabs: Tabs, files: Files) -> None:
    before = len(stored_parts(tabs.platform))
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    link = send(sender, files.middle, files.large, new_passphrase="correct horse")
    assert len(stored_parts(tabs.platform)) == before + 3
    reader = tabs.open(link)
    reader.fill("#passphrase", "correct horse")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    expect(reader.locator("#content-files li")).to_contain_text(["photos ключ.zip 2.5 MB", "video.bin 9 MB"])
    expect(sender.locator("#sent-title")).to_contain_text("It was read")
    assert save(reader) == expected(files.middle, files.large)
    wait_until(reader, lambda: len(stored_parts(tabs.platform)) == before)
    assert reader.evaluate("sessionStorage.length") == 0
    expect(reader.locator("#content-files li")).to_contain_text(["Saved", "Saved"])


def test_several_small_files_need_no_parts(tabs: Tabs, tmp_path: Path) -> None:
    one, other = tmp_path / "a.txt", tmp_path / "b.txt"
    one.write_bytes(b"first")
    other.write_bytes(b"second")
    reader = tabs.open(send(tabs.open(), one, other))
    reveal(reader)
    downloads: list[Any] = []
    reader.on("download", lambda download: downloads.append(download))  # noqa: PLW0108
    reader.click("#save")
    expect(reader.locator("#content-files li")).to_contain_text(["a.txt 5 byte Saved", "b.txt 6 byte Saved"])
    wait_until(reader, lambda: len(downloads) == 2)
    assert [download.path().read_bytes() for download in downloads] == [b"first", b"second"]
    with reader.expect_download() as download:
        reader.click("#content-files li:nth-child(2) button")
    assert download.value.path().read_bytes() == b"second"
    assert [request.url for request in tabs.requests if request.url.endswith("/part")] == []


def test_a_file_can_be_taken_out(tabs: Tabs, files: Files) -> None:
    page = tabs.open()
    attach(page, files.small, files.middle, files.large)
    page.click("#attached li:nth-child(3) button")
    page.click("#attached li:nth-child(2) button")
    expect(page.locator("#attached li")).to_have_count(1)
    expect(page.locator("#attached button")).to_be_focused()
    reader = tabs.open(create(page))
    reveal(reader)
    expect(reader.locator("#content-files strong")).to_have_text([files.small.name])


def test_files_of_several_drops_add_up_to_100(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send a secret, once")
    drop = """(count) => {
      const data = new DataTransfer();
      for (let n = 0; n < count; n++) data.items.add(new File(["content"], `${n}.txt`));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    for count in (60, 40):
        page.evaluate(drop, count)
    expect(page.locator("#attached li")).to_have_count(100)
    page.evaluate(drop, 1)
    expect(page.locator("#text-problem")).to_have_text("You can attach up to 100 files.")
    expect(page.locator("#attached li")).to_have_count(100)


def cut_small(page: Page) -> None:
    """Send parts of 1 MiB: requests that a test takes pass through it, which is slow."""
    limits = {"max_bytes": 100_000_000, "part_bytes": MIB + 29, "extra_ttl": 14_400}
    page.route("**/-/limits", lambda route: route.fulfill(json={"files": limits}))


def send_small_parts(tabs: Tabs, *files: Path) -> str:
    sender = tabs.open()
    cut_small(sender)
    return send(sender, *files)


def hold(page: Page, method: str, after: int) -> list[Route]:
    """Let so many requests for parts pass, and hold the others."""
    held: list[Route] = []
    passed: list[Route] = []

    def take(route: Route) -> None:
        if route.request.method != method:
            return route.fallback()
        if len(passed) < after:
            passed.append(route)
            return route.fallback()
        held.append(route)
        return None

    page.route(PARTS, take)
    return held


def test_cancelling_deletes_what_was_sent(tabs: Tabs, files: Files) -> None:
    before = len(stored_parts(tabs.platform))
    page = tabs.open()
    cut_small(page)
    held = hold(page, "PUT", 1)
    attach(page, files.middle)
    page.fill("#text", "a note")
    page.click("#create")
    expect_heading(page, "Sending your files")
    wait_until(page, lambda: bool(held) and len(stored_parts(tabs.platform)) == before + 1)
    page.click("#cancel-upload")
    expect_heading(page, "Send a secret, once")
    wait_until(page, lambda: len(stored_parts(tabs.platform)) == before)
    assert page.input_value("#text") == "a note"
    expect(page.locator("#attached li")).to_have_count(1)
    page.unroute(PARTS)
    create(page)


def test_an_upload_goes_on_over_a_line_that_breaks(tabs: Tabs, files: Files) -> None:
    page = tabs.open()
    cut_small(page)
    failures = [True, False, True, False, False]
    page.route(PARTS, lambda route: route.abort() if failures and failures.pop() else route.fallback())
    lost: list[Route] = []

    def lose_answer(route: Route) -> None:
        """The part is stored, and the sender does not learn of it."""
        if lost:
            return route.fallback()
        lost.append(route)
        route.fetch()
        return route.abort()

    page.route(PARTS, lose_answer)
    reader = tabs.open(send(page, files.middle))
    assert lost
    reveal(reader)
    assert save(reader) == expected(files.middle)


@pytest.mark.parametrize("status", [413, 502])
def test_a_line_that_takes_no_large_parts_gets_small_ones(tabs: Tabs, files: Files, status: int) -> None:
    page = tabs.new()
    page.add_init_script("""
      const send = XMLHttpRequest.prototype.send;
      XMLHttpRequest.prototype.send = function (body) {
        this.setRequestHeader("X-Size", body?.size ?? 0);
        send.call(this, body);
      };
    """)
    page.goto(tabs.platform.url)
    cut_small(page)
    sizes: list[int] = []

    def take_small(route: Route) -> None:
        sizes.append(int(route.request.headers["x-size"]))
        if sizes[-1] > MIB:
            route.fulfill(status=status, body="<html>no")
        else:
            route.fallback()

    page.route(PARTS, take_small)
    reader = tabs.open(send(page, files.middle))
    assert sizes.count(MIB + 29) >= (1 if status == 413 else 3)
    assert sizes.count(512 * 1024 + 29) == 4
    reveal(reader)
    assert save(reader) == expected(files.middle)


def test_a_download_goes_on_over_a_line_that_breaks(tabs: Tabs, files: Files) -> None:
    reader = tabs.open(send_small_parts(tabs, files.middle))
    reveal(reader)
    failures = [True, False, True, False]
    reader.route(PARTS, lambda route: route.abort() if failures and failures.pop() else route.fallback())
    assert save(reader) == expected(files.middle)


def test_a_download_goes_on_after_a_reload(tabs: Tabs, files: Files) -> None:
    """Also when the lease is over: the service keeps nothing that could be read again."""
    reader = tabs.open(send_small_parts(tabs, files.small, files.middle))
    reveal(reader)
    with reader.expect_download() as download:
        reader.click("#content-files li:nth-child(1) button")
    assert digest(download.value.path().read_bytes()) == digest(files.small.read_bytes())
    held = hold(reader, "GET", 1)
    reader.click("#save")
    wait_until(reader, lambda: bool(held))
    assert reader.evaluate("Object.keys(sessionStorage)") == ["files"]  # and no lease
    reader.reload()
    expect_heading(reader, "The message")
    expect(reader.locator("#content-files li")).to_contain_text(["Saved", "MB"])
    with reader.expect_download() as download:
        reader.unroute(PARTS)
        for route in held[2:]:
            route.fallback()
    assert digest(download.value.path().read_bytes()) == digest(files.middle.read_bytes())
    expect(reader.locator("#message-lede")).to_contain_text("All files are saved")
    assert reader.evaluate("sessionStorage.length") == 0


def test_with_several_readers_the_parts_stay(tabs: Tabs, files: Files) -> None:
    before = len(stored_parts(tabs.platform))
    link = send(tabs.open(), files.middle, reads="2")
    for _ in range(2):
        reader = tabs.open(link)
        reveal(reader)
        assert save(reader) == expected(files.middle)
        assert reader.evaluate("sessionStorage.length") == 0
    assert len(stored_parts(tabs.platform)) == before + 1


def test_a_damaged_part_is_never_saved(tabs: Tabs, files: Files) -> None:
    reader = tabs.open(send_small_parts(tabs, files.middle))
    reveal(reader)
    downloads: list[Any] = []
    reader.on("download", lambda download: downloads.append(download))  # noqa: PLW0108

    def damage(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.body()[:-1] + b"x")

    reader.route(PARTS, damage)
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_contain_text("Part of the file is missing or damaged.")
    reader.unroute(PARTS)
    reader.route(PARTS, lambda route: route.fulfill(status=404, json={"code": "part_not_found", "error": "gone"}))
    reader.click("#save")
    expect(reader.locator("#download-problem")).to_contain_text("Part of the file is missing or damaged.")
    assert downloads == []
    reader.unroute(PARTS)
    assert save(reader) == expected(files.middle)


def test_a_very_large_file_is_written_piece_by_piece_to_where_its_reader_picks(tabs: Tabs, files: Files) -> None:
    reader = tabs.new()
    reader.add_init_script("""
      window.showSaveFilePicker = async ({ suggestedName }) => {
        const folder = await navigator.storage.getDirectory();
        return folder.getFileHandle(suggestedName, { create: true });
      };
    """)
    saving = (platforms.ROOT / "crypt_api/static/-/saving.js").read_text()
    assert "STREAMED_BYTES = 64e6" in saving
    script = saving.replace("STREAMED_BYTES = 64e6", "STREAMED_BYTES = 1e6")
    reader.route("**/-/saving.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    reader.goto(send_small_parts(tabs, files.middle))
    reveal(reader)
    reader.click("#save")
    expect(reader.locator("#message-lede")).to_contain_text("All files are saved", timeout=TIMEOUT)
    written = reader.evaluate(
        """async (name) => {
      const folder = await navigator.storage.getDirectory();
      const file = await (await folder.getFileHandle(name)).getFile();
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }""",
        files.middle.name,
    )
    assert written == digest(files.middle.read_bytes())


def test_what_is_too_large_says_so_before_anything_is_sent(browser: Browser, tmp_path: Path, files: Files) -> None:
    with platforms.server(tmp_path, "--max-file=5MB") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        expect(page.locator("#size")).to_be_empty()
        assert not [request for request in tabs.requests if "limits" in request.url]  # nobody has asked for it
        page.set_input_files("#file", files.large)
        expect(page.locator("#text-problem")).to_contain_text("9 MB; 5 MB is the most.")
        expect(page.locator("#attached")).to_be_hidden()
        attach(page, files.middle)
        expect(page.locator("#size")).to_have_text("2.5 MB of 5 MB")
        assert not [request for request in tabs.requests if request.method == "PUT"]


def test_where_files_are_off_the_page_says_up_to_100_kilobytes(browser: Browser, tmp_path: Path, files: Files) -> None:
    with platforms.server(tmp_path, "--max-file-storage=0") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        page.set_input_files("#file", files.middle)
        expect(page.locator("#text-problem")).to_contain_text("2.5 MB; the limit is 100 kB.")
        expect(page.locator("#size")).to_have_text("Up to 100 kB")
        reader = tabs.open(send(page, files.small))
        reveal(reader)
        expect(reader.locator("#content-files strong")).to_have_text(files.small.name)


def test_the_default_rate_of_requests_is_waited_for(browser: Browser, server: Platform, files: Files) -> None:
    """Small parts, one address, three requests in a second."""
    with DirectTabs(browser, server) as tabs:
        sender, reader = tabs.new(), tabs.new()
        for page, address in ((sender, server.next_address()), (reader, server.next_address())):
            page.context.set_extra_http_headers({server.address_header: address})
        small = (platforms.ROOT / "crypt_api/static/-/upload.js").read_text()
        script = small.replace("contentOfPart(sealedBytes) {", "contentOfPart(sealedBytes) {\n return 512 * 1024 - 1;")
        assert script != small
        sender.route("**/-/upload.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        sender.goto(server.url)
        reader.goto(send(sender, files.middle))
        reveal(reader)
        assert save(reader) == expected(files.middle)
        answers = [request.response() for request in tabs.requests]
        assert 429 in [answer.status for answer in answers if answer]


def test_an_upload_over_the_budget_says_when_it_goes_on(tabs: Tabs, files: Files) -> None:
    page = tabs.open()
    refusals = [{"status": 429, "headers": {"Retry-After": "2"}, "json": {"code": "upload_budget", "error": "x"}}]
    page.route(PARTS, lambda route: route.fulfill(**refusals.pop()) if refusals else route.fallback())
    attach(page, files.middle)
    page.click("#create")
    expect(page.locator("#upload-state")).to_contain_text(
        "Too much was sent from here within an hour. This goes on today"
    )
    expect(page.locator("#sent")).to_be_visible()


def test_a_file_that_changes_stops_the_upload(tabs: Tabs, files: Files, tmp_path: Path) -> None:
    before = stored_parts(tabs.platform)
    file = tmp_path / "log.txt"
    file.write_bytes(files.middle.read_bytes())
    page = tabs.open()
    page.set_input_files("#file", file)
    expect(page.locator("#attached li")).to_have_count(1)
    expect(page.locator("#size")).to_contain_text("of 100 MB")
    file.write_bytes(files.middle.read_bytes() + b"more")
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text("log.txt has changed, or cannot be read any more.")
    expect_heading(page, "Send a secret, once")
    assert stored_parts(tabs.platform) == before


def test_a_text_that_is_too_long_can_be_attached_as_a_file(tabs: Tabs) -> None:
    page = tabs.open()
    page.fill("#text", "x" * 102_401)
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text(
        "the limit is 100 kB for a text. Attach it as a file instead."
    )


def test_the_page_asks_before_files_are_lost(tabs: Tabs, files: Files) -> None:
    page = tabs.open()
    questions: list[str] = []
    page.on("dialog", lambda dialog: questions.append(dialog.type))
    held = hold(page, "PUT", 0)
    attach(page, files.middle)
    page.click("#create")
    wait_until(page, lambda: bool(held))
    page.reload()
    assert questions == ["beforeunload"]


def test_the_page_and_the_command_read_each_others_files(tabs: Tabs, files: Files, tmp_path: Path) -> None:
    with Client(tabs.platform.url) as client:
        page = tabs.open(client.send("a note", files=[files.large, files.small]).link)
        reveal(page)
        assert page.text_content("#content") == "a note"
        assert sorted(save(page)) == sorted(expected(files.large, files.small))
        message = client.read(send(tabs.open(), files.large, files.middle))
        saved = [file.save(tmp_path / file.name) for file in message.files]
    assert [(path.name, digest(path.read_bytes())) for path in saved] == expected(files.large, files.middle)
