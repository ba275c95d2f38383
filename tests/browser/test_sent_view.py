"""The sender's view of a sent message: link, passphrase, receipt, and destroying the message."""

import re

from playwright.sync_api import expect

from tests.support.chromium import Tabs
from tests.support.page import CLOCK, MESSAGE, SEALED_PATH, copy, expect_heading, reveal, settle, show_options, write
from tests.support.questions_on_page import answer, ask


def test_the_sender_destroys_the_message(tabs: Tabs) -> None:
    sender = tabs.open()
    reader = tabs.open(write(sender))
    expect_heading(reader, "Someone sent you a sealed message")
    sender.click("#destroy")
    sender.click("#keep")
    expect(sender.locator("#destroy")).to_have_text("Destroy it now")
    sender.click("#destroy")
    sender.click("#destroy")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))
    reader.click("#reveal")
    expect_heading(reader, "It was destroyed")
    sender.click("#another")
    expect_heading(sender, "Send a secret, once")


def test_a_message_can_have_two_readers(tabs: Tabs) -> None:
    sender = tabs.open()
    show_options(sender)
    for reads in ("0", "101", "1.5", ""):
        sender.fill("#text", "x")
        sender.fill("#reads", reads)
        sender.click("#create")
        expect(sender.locator("#reads-problem")).to_have_text("Choose a number from 1 to 100.")
    link = write(sender, reads=2)
    expect(sender.locator("#sent-lede")).to_contain_text("It opens for 2 people")
    reveal(tabs.open(link))
    expect(sender.locator("#state")).to_have_text("Read by 1 of 2")
    last = tabs.open(link)
    expect(last.locator("#read-lede")).to_contain_text("You can open it once")
    reveal(last)
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))


def test_a_final_receipt_stays_when_the_service_has_forgotten_it(tabs: Tabs) -> None:
    sender = tabs.open()
    reveal(tabs.open(write(sender)))
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))
    sender.route(SEALED_PATH, lambda route: route.fulfill(status=404, json={"error": "Message not found"}))
    sender.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    settle(sender)
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))


def test_a_final_receipt_of_an_answer_stays_when_the_service_has_forgotten_it(tabs: Tabs) -> None:
    asker = tabs.open()
    link, _ = ask(asker)
    answerer = tabs.open(link)
    answer(answerer)
    expect(asker.locator("#read")).to_be_visible()
    reveal(asker)
    expect(answerer.locator("#answered-state")).to_have_text(re.compile(f"^Opened {CLOCK}$"))
    answerer.route(SEALED_PATH, lambda route: route.fulfill(status=404, json={"error": "Message not found"}))
    answerer.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    settle(answerer)
    expect(answerer.locator("#answered-state")).to_have_text(re.compile(f"^Opened {CLOCK}$"))


def test_the_sender_still_sees_the_passphrase(tabs: Tabs) -> None:
    """The page may have generated it, and the sender has to tell it to the reader."""
    page = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    page.goto(tabs.platform.url + "/")
    show_options(page)
    page.click("#generate")
    passphrase = page.input_value("#new-passphrase")
    link = write(page, passphrase=passphrase)
    assert page.input_value("#sent-passphrase") == passphrase
    copy(page, "#copy-passphrase")
    assert page.evaluate("navigator.clipboard.readText()") == passphrase
    page.click("#another")
    assert page.input_value("#sent-passphrase") == page.input_value("#link") == ""
    reader = tabs.open(link)
    reader.fill("#passphrase", passphrase)
    reveal(reader)


def test_the_link_can_be_copied_and_shared(tabs: Tabs) -> None:
    page = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script("navigator.share = async (what) => { window.shared = what; }")
    page.goto(tabs.platform.url + "/")
    link = write(page)
    width = page.locator("#copy-link").evaluate("(button) => button.offsetWidth")
    copy(page, "#copy-link")
    assert page.locator("#copy-link").evaluate("(button) => button.offsetWidth") == width
    expect(page.locator("#copy-link")).to_have_text("Copy link")
    assert page.evaluate("navigator.clipboard.readText()") == link
    expect(page.locator("#sent-passphrase-field")).to_be_hidden()
    page.click("#share")
    assert page.evaluate("window.shared") == {"url": link}
    page.goto(link)
    page.reload()
    reveal(page)
    copy(page, "#copy-content")
    assert page.evaluate("navigator.clipboard.readText()") == MESSAGE
    expect(tabs.open().locator("#share")).to_be_hidden()  # Chromium on Linux cannot share


def test_a_browser_may_forbid_copying(tabs: Tabs) -> None:
    page = tabs.new()
    page.add_init_script(
        "navigator.clipboard.writeText = async () => { throw new DOMException('', 'NotAllowedError'); }"
    )
    page.goto(tabs.platform.url + "/")
    link = write(page)
    page.click("#copy-link")
    expect(page.locator("#copy-link-hint")).to_contain_text("press Ctrl+C")
    assert page.evaluate("getSelection().toString()") == link
    reader = tabs.new()
    reader.add_init_script("navigator.clipboard.writeText = async () => { throw new Error(); }")
    reader.goto(link)
    reveal(reader)
    reader.click("#copy-content")
    expect(reader.locator("#copy-content-hint")).to_contain_text("press Ctrl+C")
    assert reader.evaluate("getSelection().toString()") == MESSAGE
