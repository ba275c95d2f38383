"""The page makes a password, and gives a message a reference for the service's webhook."""

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from crypt_api.cli.generated import ALPHABET, LENGTH
from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.page import create, reveal, show_options
from tests.support.receivers import Receiver


def test_an_empty_text_is_filled_with_a_password_and_the_page_says_so(tabs: Tabs) -> None:
    page = tabs.open()
    button, said = page.locator("#new-password"), page.locator("#has-password")
    expect(page.locator("#notify-field")).to_be_hidden()
    page.fill("#text", "x")
    expect(button).to_be_hidden()
    page.fill("#text", "")
    passwords = []
    for _ in range(2):
        button.click()
        expect(said).to_have_text("A strong random password is in the text now. Copy it if you need it yourself.")
        expect(button).to_be_hidden()
        expect(page.locator("#text")).to_be_focused()
        passwords.append(page.input_value("#text"))
        page.keyboard.press("End")
        page.keyboard.type("!")
        expect(said).to_be_empty()
        page.fill("#text", "")
    passwords += page.evaluate("""() => Array.from({ length: 100 }, () => {
      document.querySelector("#new-password").click();
      return document.querySelector("#text").value;
    })""")
    page.fill("#text", "")
    assert len(set(passwords)) == 102
    assert all(len(password) == LENGTH for password in passwords)
    assert set("".join(passwords)) == set(ALPHABET)
    button.click()
    password = page.input_value("#text")
    link = create(page)
    page.click("#another")
    expect(button).to_be_visible()
    reader = tabs.open(link)
    reveal(reader)
    expect(reader.locator("#content")).to_have_text(password)


def test_a_sender_gives_a_reference_where_there_is_a_webhook(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with Receiver() as receiver:
        flags = (f"--webhook={receiver.url}", f"--webhook-secret-file={tmp_path}/secret")
        with platforms.server(tmp_path, *flags) as platform, Tabs(browser, platform) as tabs:
            page = tabs.open()
            page.fill("#text", "secret")
            show_options(page)
            page.fill("#notify", "two words")
            page.click("#more summary")
            expect(page.locator("#more-chosen")).to_have_text("two words")
            page.click("#create")
            expect(page.locator("#notify-problem")).to_have_text(re.compile("without spaces"))
            expect(page.locator("#notify")).to_be_focused()
            page.fill("#notify", " ticket-4711 ")
            link = create(page)
            reveal(tabs.open(link))
            [event] = receiver.wait_for(1)
    told = json.loads(event.body)
    assert (told["event"], told["reference"]) == ("read", "ticket-4711")
