"""Everything that a page shows is on the paper that is printed: the message may have no other copy."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page, expect
from qrcodegen import QrCode  # type: ignore[import-untyped]

from crypt_api import Attachment, Client
from tests.support.chromium import Tabs
from tests.support.firefox import Firefox
from tests.support.plain import create_path
from tests.support.platforms import Platform
from tests.support.printed import Paper

LINES = [f"line {number} of the message" for number in range(1, 201)]
LONG = "https://example.org/" + "long/" * 60 + "end"
MESSAGE = "\n".join([*LINES, LONG])


class Tab(Protocol):
    """A browser's tab."""

    def open(self, url: str) -> None: ...
    def click(self, selector: str) -> None: ...
    def type(self, selector: str, text: str) -> None: ...
    def value(self, selector: str) -> str: ...
    def wait_until_visible(self, selector: str) -> None: ...
    def print(self) -> bytes: ...


@dataclass
class ChromiumTab:
    page: Page

    def open(self, url: str) -> None:
        self.page.goto(url)

    def click(self, selector: str) -> None:
        self.page.click(selector)

    def type(self, selector: str, text: str) -> None:
        self.page.fill(selector, text)

    def value(self, selector: str) -> str:
        return self.page.input_value(selector)

    def wait_until_visible(self, selector: str) -> None:
        expect(self.page.locator(selector)).to_be_visible()

    def print(self) -> bytes:
        return self.page.pdf(format="A4")


@pytest.fixture(params=["chromium", "firefox"])
def tab(request: pytest.FixtureRequest, unlimited_server: Platform) -> Iterator[Tab]:
    """A tab whose user prefers light letters on dark ground, which would not be seen on paper."""
    if request.param == "chromium":
        browser: Browser = request.getfixturevalue("browser")
        with Tabs(browser, unlimited_server) as tabs:
            yield ChromiumTab(tabs.new(color_scheme="dark"))
    else:
        firefox: Firefox = request.getfixturevalue("firefox")
        firefox.prefer_dark()
        firefox.new_tab("about:blank")
        yield firefox


@pytest.fixture
def client(unlimited_server: Platform) -> Iterator[Client]:
    with Client(unlimited_server.url) as client:
        yield client


def assert_has_all(paper: Paper) -> None:
    text = paper.text()
    assert re.findall(r"line \d+ of the message", text) == LINES
    assert LONG in "".join(text.split())
    assert paper.visible_lines() > len(LINES)  # and not white on white


def test_a_message_is_printed_whole(tab: Tab, client: Client) -> None:
    tab.open(client.send(MESSAGE).link)
    tab.wait_until_visible("#reveal")
    tab.click("#reveal")
    tab.wait_until_visible("#message")
    paper = Paper(tab.print())
    assert_has_all(paper)
    assert "Copy text" not in paper.text()  # nobody presses a button on paper


def test_a_plain_message_is_printed_whole(tab: Tab, unlimited_server: Platform) -> None:
    with unlimited_server.client() as http:
        tab.open(unlimited_server.url + create_path(http, MESSAGE))
    tab.click("#reveal")
    tab.wait_until_visible("#message")
    assert_has_all(Paper(tab.print()))


def test_a_plain_message_is_printed_whole_without_scripts(browser: Browser, unlimited_server: Platform) -> None:
    with Tabs(browser, unlimited_server) as tabs, unlimited_server.client() as http:
        page = tabs.open(unlimited_server.url + create_path(http, MESSAGE), java_script_enabled=False)
        page.click("#reveal")
        expect(page.locator("#message")).to_be_visible()
        assert_has_all(Paper(page.pdf(format="A4")))


def test_the_link_is_printed_whole_with_its_qr_code(tab: Tab, unlimited_server: Platform) -> None:
    passphrase = "correct horse battery staple " * 6
    tab.open(unlimited_server.url)
    tab.wait_until_visible("#text")
    tab.type("#text", "x")
    tab.click("#more summary")
    tab.wait_until_visible("#new-passphrase:enabled")
    tab.type("#new-passphrase", passphrase)
    tab.click("#create")
    tab.wait_until_visible("#sent")
    link = tab.value("#link")
    for _ in range(2):  # the second time as the first
        paper = Paper(tab.print())
        text = "".join(paper.text().split())
        assert text.count(link) == 1
        assert text.count("".join(passphrase.split())) == 1
        assert paper.qr_codes() == [link]


def test_a_draft_is_printed_whole(tab: Tab, unlimited_server: Platform) -> None:
    tab.open(unlimited_server.url)
    tab.wait_until_visible("#text")
    draft = [f"line {number}" for number in range(1, 61)]
    tab.type("#text", "\n".join(draft))
    assert re.findall(r"line \d+", Paper(tab.print()).text()) == draft
    tab.type("#text", "")


def tall_picture(*texts: str) -> bytes:
    """A PNG that is higher than any page, with a QR code at its upper end and one at its lower end."""
    modules, scale, height = 29, 6, 2_000
    pixels = [bytearray(b"\xff" * modules * scale) for _ in range(height)]
    for text, top in zip(texts, (0, height - modules * scale), strict=True):
        code = QrCode.encode_text(text, QrCode.Ecc.MEDIUM)
        for y in range(modules * scale):
            for x in range(modules * scale):
                if code.get_module(x // scale - 4, y // scale - 4):
                    pixels[top + y][x] = 0
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", modules * scale, height, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"".join(b"\0" + row for row in pixels)),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks.items()
    )


def test_a_picture_and_its_note_are_printed_whole(tab: Tab, client: Client) -> None:
    picture = Attachment(tall_picture("UPPER END", "LOWER END"), "tall.png")
    tab.open(client.send(MESSAGE, files=[picture]).link)
    tab.wait_until_visible("#reveal")
    tab.click("#reveal")
    tab.wait_until_visible("#content-image .image")
    paper = Paper(tab.print())
    assert sorted(paper.qr_codes()) == ["LOWER END", "UPPER END"]
    assert_has_all(paper)
    assert "tall.png" in paper.text()
