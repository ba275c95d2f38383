"""The reader's views: passphrases, reloads within the lease, and closing a message."""

import re
from base64 import b64decode

import pytest
from playwright.sync_api import expect

from tests.support.chromium import Tabs
from tests.support.page import CLOCK, MESSAGE, create, expect_heading, follow, reveal, write

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_reload_within_a_minute_loses_nothing(tabs: Tabs, passphrase: str) -> None:
    link = write(tabs.open(), passphrase=passphrase)
    reader = tabs.new()
    reader.clock.install()
    reader.goto(link)
    for _ in range(2):
        expect(reader.locator("#passphrase")).to_be_visible(visible=bool(passphrase))
        if passphrase:
            reader.fill("#passphrase", passphrase)
            reader.click("#reveal")
        elif reader.url == link:
            reader.click("#reveal")
        expect(reader.locator("#content")).to_have_text(MESSAGE)
        reader.reload()
    expect_heading(tabs.open(link), "Already read")
    reader.goto(tabs.platform.url + "/")
    if passphrase:
        reader.fill("#passphrase", passphrase)
        reader.click("#reveal")
    expect(reader.locator("#message-lede")).to_contain_text("within a minute, it comes back")
    reader.clock.fast_forward(60_000)
    expect(reader.locator("#message-lede")).to_contain_text("the only copy")
    assert reader.evaluate("sessionStorage.length") == 0
    reader.reload()
    expect_heading(reader, "Send a secret, once")


def test_closing_a_message_leaves_nothing_of_it(tabs: Tabs) -> None:
    link = write(tabs.open(), reads=2)
    reader = tabs.open(link)
    expect(reader.locator("#read-lede")).to_contain_text("2 people can still open it, once each.")
    reveal(reader)
    reader.click("#done")
    expect_heading(reader, "Closed")
    left = reader.evaluate(
        "document.documentElement.textContent + [...document.querySelectorAll('input')].map(e => e.value)"
    )
    assert "žluťoučký" not in left
    assert reader.evaluate("sessionStorage.length") == 0
    reader.reload()
    expect_heading(reader, "Send a secret, once")
    reveal(tabs.open(link))  # the other reader's message is still there


def test_a_reader_who_goes_on_to_write_ends_the_lease(tabs: Tabs) -> None:
    """Otherwise the address of the page, which has no fragment now, would lead back to the message."""
    reader = tabs.open(write(tabs.open()))
    reveal(reader)
    follow(reader, tabs.platform.url + "/#x")
    expect_heading(reader, "This link is incomplete")
    reader.click("#home")
    expect_heading(reader, "Send a secret, once")
    assert reader.evaluate("sessionStorage.length") == 0
    reader.goto(write(reader))
    reader.reload()
    reveal(reader)
    reader.click("#brand")
    expect_heading(reader, "Send a secret, once")
    write(reader)
    reader.click("#brand")
    expect_heading(reader, "Send a secret, once")


def test_web_addresses_can_be_followed_and_an_image_is_seen(tabs: Tabs) -> None:
    sender = tabs.open()
    text = "see (https://example.org/a?b=1), HTTP://EXAMPLE.ORG and javascript:alert(1) or https://"
    reader = tabs.open(write(sender, text))
    reveal(reader)
    assert reader.text_content("#content") == text
    links = reader.locator("#content a")
    assert [link.get_attribute("href") for link in links.all()] == ["https://example.org/a?b=1", "HTTP://EXAMPLE.ORG"]
    assert {link.get_attribute("rel") for link in links.all()} == {"noopener noreferrer"}
    sender.click("#another")
    sender.set_input_files("#file", {"name": "dot.png", "mimeType": "image/png", "buffer": PNG})
    reader = tabs.open(create(sender))
    reveal(reader)
    image = reader.get_by_alt_text("The image dot.png")
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    reader.click("#done")
    sender.click("#another")
    sender.set_input_files("#file", {"name": "no.png", "mimeType": "image/png", "buffer": b"no image"})
    reader = tabs.open(create(sender))
    reveal(reader)
    expect(reader.locator("#content-image > *")).to_have_count(0)
    expect(reader.locator("#content-files strong")).to_have_text("no.png")


def test_a_wrong_passphrase_destroys_nothing(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender, passphrase="correct horse")
    reader = tabs.open(link)
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_have_text("Enter the passphrase.")
    for left in ("9 tries", "8 tries"):
        reader.fill("#passphrase", "wrong")
        reader.press("#passphrase", "Enter")
        expect(reader.locator("#read-problem")).to_contain_text(f"Wrong passphrase. {left} left;")
        expect(reader.locator("#passphrase")).to_be_focused()
    reader.reload()
    expect(reader.locator("#read-lede")).to_contain_text("You can open it once")  # the message is still there
    expect(sender.locator("#state")).to_have_text("Not read yet")
    reader.fill("#passphrase", "correct horse")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE


def test_the_tenth_wrong_passphrase_destroys_the_message(tabs: Tabs) -> None:
    sender = tabs.open()
    reader = tabs.open(write(sender, passphrase="right"))
    for tries_left in range(9, 0, -1):
        reader.fill("#passphrase", "wrong")
        reader.click("#reveal")
        expect(reader.locator("#read-problem")).to_contain_text(
            "1 try left" if tries_left == 1 else f"{tries_left} tries"
        )
    reader.fill("#passphrase", "wrong")
    reader.click("#reveal")
    expect_heading(reader, "It was destroyed")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))
