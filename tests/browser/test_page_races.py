"""The web page, when the user does something else while a request is under way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, Delayed, expect_heading, follow, reveal, show_options, write
from tests.support.platforms import Platform


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


def test_the_passphrase_that_is_shown_is_the_one_that_was_used(tabs: Tabs) -> None:
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    show_options(sender)
    sender.fill("#new-passphrase", "correct horse")
    sealing = Delayed(sender, "PUT")
    sender.click("#create")
    expect(sender.locator("#create")).to_have_text("Encrypting…")
    sender.click("#generate")
    sealing.release()
    expect(sender.locator("#sent-passphrase")).to_have_value("correct horse")


def test_a_sender_who_leaves_while_the_message_is_sealed_still_gets_the_link(tabs: Tabs) -> None:
    other = write(tabs.open())
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    sealing, receipt = Delayed(sender, "PUT"), Delayed(sender, "GET", "/status")
    sender.click("#create")
    follow(sender, other)
    sealing.release()
    expect_heading(sender, "Your link is ready")
    receipt.release()
    expect_heading(sender, "Your link is ready")
    assert sender.input_value("#link") != other


def test_a_reader_who_leaves_while_the_message_is_opened_still_gets_it(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender)
    sender.click("#another")
    other = write(sender, "another")
    reader = tabs.open(link)
    expect_heading(reader, "Someone sent you a sealed message")
    reading, receipt = Delayed(reader, "GET"), Delayed(reader, "GET", "/status")
    reader.click("#reveal")
    reading.wait()
    follow(reader, other)
    reading.release()
    expect(reader.locator("#content")).to_have_text(MESSAGE)
    receipt.release()
    expect(reader.locator("#content")).to_have_text(MESSAGE)
    expect(reader.locator("#message")).to_be_visible()
    with reader.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        reader.click("#done")
    assert deleted.value.status == 204
    reveal(tabs.open(other))


def test_a_reader_who_leaves_before_the_request_reads_nothing(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender, passphrase="xxxx")
    reader = tabs.open(link)
    reader.fill("#passphrase", "xxxx")
    reader.evaluate("() => { document.querySelector('#reveal').click(); location.hash = 'A'.repeat(22); }")
    expect_heading(reader, "This link is no longer valid")
    expect(reader.locator("#reveal")).to_have_text("Open the message")
    expect_heading(reader, "This link is no longer valid")
    assert reader.evaluate("sessionStorage.length") == 0
    expect_heading(tabs.open(link), "Someone sent you a sealed message")


def test_a_late_receipt_does_not_disturb_a_sender(tabs: Tabs) -> None:
    page = tabs.new()
    receipt = Delayed(page, "GET", "/status")
    link = write(tabs.open())
    with page.expect_request(lambda request: request.url.endswith("/status")):
        page.goto(link)
    page.evaluate("() => { history.replaceState(null, '', '/'); dispatchEvent(new Event('hashchange')); }")
    expect_heading(page, "Send a secret, once")
    page.fill("#text", "half a sen")
    receipt.release()
    expect_heading(page, "Send a secret, once")
    assert page.input_value("#text") == "half a sen"
