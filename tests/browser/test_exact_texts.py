"""What must stay exactly as it is: translators leave it alone, and Copy takes the original."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import Tabs
from tests.support.page import FILE, MESSAGE, copy, create, reveal, write
from tests.support.plain import create as create_plain

EXACT = ["#text", "#link", "#sent-passphrase", "#qr", "#content", "#content-image"]

TRANSLATE = """(id) => {
  const walker = document.createTreeWalker(document.querySelector(id), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = "translated";
}"""
"""What a translator does to a text that it does translate."""


def expect_left_alone(page: Page, *places: str) -> None:
    for place in places:
        element = page.locator(place)
        assert element.evaluate("(element) => element.translate") is False, place
        assert "notranslate" in str(element.get_attribute("class")), place


def test_translators_leave_alone_what_must_be_exact(server_tabs: Tabs) -> None:
    page = server_tabs.open()
    expect_left_alone(page, *EXACT)
    assert page.evaluate("document.querySelector('h1').translate")  # and translate what need not be
    page.set_input_files("#file", FILE)
    expect_left_alone(page, "#attached strong")
    page.goto(create(page))
    page.reload()
    reveal(page)
    expect_left_alone(page, "#content-files strong")


@pytest.mark.parametrize("javascript", [True, False])
def test_translators_leave_alone_a_plain_message(server_tabs: Tabs, *, javascript: bool) -> None:
    url = server_tabs.platform.url
    page = server_tabs.open(f"{url}/{create_plain(url, MESSAGE)}", java_script_enabled=javascript)
    page.click("#reveal")
    expect(page.locator("#message")).to_be_visible()
    attributes = [page.get_attribute("#message", name) for name in ("translate", "class")]
    assert attributes[0] == "no"
    assert "notranslate" in str(attributes[1])


def test_copy_takes_the_original(server_tabs: Tabs) -> None:
    sender = server_tabs.new(permissions=["clipboard-read", "clipboard-write"])
    sender.goto(server_tabs.platform.url)
    link = write(sender, passphrase="correct horse")
    sender.evaluate("() => { for (const id of ['link', 'sent-passphrase']) document.getElementById(id).value = 'x'; }")
    for button, original in (("#copy-link", link), ("#copy-passphrase", "correct horse")):
        copy(sender, button)
        assert sender.evaluate("navigator.clipboard.readText()") == original


def test_copy_takes_the_original_message(server_tabs: Tabs) -> None:
    url = server_tabs.platform.url
    sender = server_tabs.open()
    text = write(sender)
    sender.click("#another")
    sender.fill("#text", MESSAGE)
    sender.set_input_files("#file", FILE)
    note = create(sender)
    plain = f"{url}/{create_plain(url, MESSAGE)}"
    for address, place, button in (
        (text, "#content", "#copy-content"),
        (note, "#content", "#copy-content"),
        (plain, "#message", "#copy"),
    ):
        page = server_tabs.new(permissions=["clipboard-read", "clipboard-write"])
        page.goto(address)
        if address == plain:
            page.click("#reveal")
            expect(page.locator("#message")).to_be_visible()
        else:
            reveal(page)
        page.evaluate(TRANSLATE, place)
        expect(page.locator(place)).to_contain_text("translated")
        copy(page, button)
        assert page.evaluate("navigator.clipboard.readText()") == MESSAGE
