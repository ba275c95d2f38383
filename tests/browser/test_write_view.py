"""The sender's view for writing: text, files, passphrase, lifetime, readers."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.page import FILE, expect_heading, reveal, show_options, write, write_request


def test_a_file_can_be_dropped_pasted_and_removed(tabs: Tabs) -> None:
    page = tabs.open()
    drop = """(names) => {
      const data = new DataTransfer();
      for (const name of names) data.items.add(new File(["content of " + name], name));
      if (!names.length) data.items.add("a text", "text/plain");
      const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
      return document.querySelector("#text").dispatchEvent(event);
    }"""
    paste = """() => {
      const data = new DataTransfer();
      data.items.add(new File(["pixels"], "image.png", { type: "image/png" }));
      document.querySelector("#text").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
    }"""
    expect_heading(page, "Send a secret, once")
    assert page.evaluate(drop, [])  # the browser itself handles text
    assert not page.evaluate(drop, ["../.a\u202etxt.exe"])
    expect(page.locator("#attached strong")).to_have_text(".._.a_txt.exe")
    expect(page.locator("#text-problem")).to_be_empty()
    page.click("#attached button")
    expect(page.locator("#text")).to_be_visible()
    page.evaluate(paste)
    expect(page.locator("#attached")).to_contain_text("image.png 6 byte")
    page.click("#attached button")
    page.click("#create")
    expect(page.locator("#text-problem")).to_have_text("Type something or attach a file first.")
    expect(page.locator("#text")).to_be_focused()


def test_a_paste_from_a_spreadsheet_stays_text(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send a secret, once")
    assert page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add("a cell", "text/plain");
      data.items.add(new File(["pixels"], "image.png", { type: "image/png" }));
      const event = new ClipboardEvent("paste", { clipboardData: data, cancelable: true });
      return document.querySelector("#text").dispatchEvent(event);
    }""")  # the browser itself handles the paste
    expect(page.locator("#attached")).to_be_hidden()


def test_the_limit_of_a_text_is_100_kilobytes(tabs: Tabs) -> None:
    page = tabs.open()
    most = "é" * 51_200
    page.fill("#text", most + "x")
    expect(page.locator("#size")).to_have_text("100 kB of 100 kB")
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text("the limit is 100 kB")
    assert not [r for r in tabs.requests if r.method == "PUT"]
    reader = tabs.open(write(page, most))
    reveal(reader)
    assert reader.text_content("#content") == most


def test_a_file_name_that_is_too_long_is_refused(tabs: Tabs) -> None:
    page = tabs.open()
    page.set_input_files("#file", {**FILE, "name": "x" * 4_000})
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("The name of the file is too long.")


def test_the_form_rates_and_generates_passphrases(tabs: Tabs) -> None:
    page = tabs.open()
    show_options(page)
    for passphrase, word in [
        ("secret", "Weak"),
        ("password123", "Weak"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "Weak"),
        ("1234567890123456", "Weak"),
        ("correct horse battery", "Fair"),
        ("correct horse battery staple", "Strong"),
    ]:
        page.fill("#new-passphrase", passphrase)
        expect(page.locator("#strength")).to_contain_text(word)
    generated = set()
    for _ in range(20):
        page.click("#generate")
        generated.add(page.input_value("#new-passphrase"))
        expect(page.locator("#strength")).to_contain_text("Strong")
    assert len(generated) == 20
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}", text) for text in generated)
    expect(page.locator("#new-passphrase")).to_have_attribute("type", "text")  # the sender has to tell it to the reader
    page.click("#show-new-passphrase")
    expect(page.locator("#new-passphrase")).to_have_attribute("type", "password")


def test_options_that_are_folded_count_and_are_told(tabs: Tabs) -> None:
    page = tabs.open()
    show_options(page)
    page.click("#fewer-reads")
    page.click("#more-reads")
    page.click("#more-reads")
    page.click("#fewer-reads")
    page.fill("#new-passphrase", "correct horse")
    expect(page.locator("#more-chosen")).to_be_empty()
    page.click("#more summary")
    expect(page.locator("#more-chosen")).to_have_text("2 readers · Passphrase")
    page.fill("#text", "secret")
    with page.expect_request(lambda request: request.method == "PUT") as request:
        page.click("#create")
    body: dict[str, Any] = request.value.post_data_json or {}
    assert (body["reads"], "passphrase_hash" in body) == (2, True)


def test_the_sender_chooses_the_lifetime(tabs: Tabs) -> None:
    page = tabs.open()
    expect(page.locator("#life label")).to_have_text(["5 mins", "1 hr", "8 hrs", "24 hrs"])
    assert write_request(page)["ttl"] == 86_400
    page.click("#another")
    page.click("text=5 mins")
    assert write_request(page)["ttl"] == 300


@pytest.mark.parametrize(
    ("max_ttl", "lifetimes"),
    [(60, ["1 min"]), (3_600, ["5 mins", "1 hr"]), (604_800, ["5 mins", "1 hr", "8 hrs", "24 hrs", "7 days"])],
)
def test_the_form_offers_the_allowed_lifetimes(
    browser: Browser, tmp_path: Path, max_ttl: int, lifetimes: list[str]
) -> None:
    with platforms.server(tmp_path, f"--max-ttl={max_ttl}") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        choices = page.locator("#life label, #life option")
        expect(choices).to_have_text(lifetimes)
        if len(lifetimes) > 4:
            page.locator("#life select").select_option(label=lifetimes[-1])
        assert write_request(page)["ttl"] == (max_ttl if len(lifetimes) > 4 else min(max_ttl, 86_400))


def test_each_mistake_is_told_beside_its_field_until_it_is_mended(tabs: Tabs) -> None:
    page = tabs.open()
    expect(page.locator("#text")).to_be_focused()
    page.fill("#text", "x" * 102_401)
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text("the limit is 100 kB")
    page.fill("#text", "secret")
    expect(page.locator("#text-problem")).to_be_empty()
    show_options(page)
    page.fill("#reads", "101")
    page.click("#more summary")  # what is wrong is shown, though it is folded
    page.press("#text", "Control+Enter")
    expect(page.locator("#reads-problem")).to_have_text("Choose a number from 1 to 100.")
    expect(page.locator("#reads")).to_be_focused()
    page.fill("#reads", "2")
    expect(page.locator("#reads-problem")).to_be_empty()
    page.fill("#new-passphrase", "x")
    page.press("#text", "Control+Enter")
    expect(page.locator("#passphrase-problem")).to_contain_text("Use at least 4 characters")
    expect(page.locator("#strength")).to_be_empty()  # a field has one thing wrong with it
    page.fill("#new-passphrase", "xxxx")
    expect(page.locator("#passphrase-problem")).to_be_empty()
    page.press("#text", "Control+Enter")
    expect(page.locator("#sent")).to_be_visible()
