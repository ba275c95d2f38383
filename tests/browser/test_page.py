"""The web page from writing to reading, in real Chromium, on both platforms."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.chromium import Tabs
from tests.support.page import CLOCK, FILE, LATER_MODULES, MESSAGE, create, expect_heading, reveal, write
from tests.support.platforms import ROOT

pytestmark = pytest.mark.both_platforms


def test_a_message_is_written_and_read_once(tabs: Tabs) -> None:
    sender, reader = tabs.open(), tabs.new()
    link = write(sender)
    assert re.fullmatch(re.escape(tabs.platform.url) + "/#[A-Za-z0-9_-]{22}", link)
    assert sender.input_value("#text") == ""
    expect(sender.locator("#state")).to_have_text("Not read yet")
    reader.goto(link)
    expect_heading(reader, "Someone sent you a sealed message")
    reader.reload()  # nothing is read before the button is pressed
    expect(reader.locator("#read-lede")).to_contain_text("You can open it once")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    assert reader.url == tabs.platform.url + "/"  # the secret has left the address bar
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))
    expect(sender.locator("#destroy")).to_be_hidden()
    late = tabs.open(link)
    expect_heading(late, "Already read")
    expect(late.locator("#gone-lede")).to_have_text(re.compile(f"^Someone opened this message {CLOCK}[.] If it was"))


def test_a_file_arrives_as_it_was(tabs: Tabs, tmp_path: Path) -> None:
    sender = tabs.open()
    note = "the key, see https://example.org/keys?id=1."
    sender.fill("#text", note)
    sender.set_input_files("#file", FILE)
    expect(sender.locator("#attached")).to_contain_text("keys ключ.bin 7.5 kB")
    reader = tabs.open(create(sender))
    reveal(reader)
    expect(reader.locator("#content-files li")).to_contain_text("keys ключ.bin 7.5 kB")
    assert reader.text_content("#content") == note
    with reader.expect_download() as download:
        reader.click("#save")
    assert download.value.suggested_filename == FILE["name"]
    download.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FILE["buffer"]


def test_each_file_of_the_page_is_fetched_once_and_early(tabs: Tabs) -> None:
    """Without preloading, the browser asks for a module only when it has the module that imports it."""
    page = tabs.open()
    expect_heading(page, "Send a secret, once")
    fetched = [request.url.partition("/-/")[2] for request in tabs.requests]
    scripts = {path.name for path in (ROOT / "crypt_api/static/-").glob("*.js")} - {"reveal.js"} - LATER_MODULES
    assert sorted(fetched) == sorted([*scripts, "", "page.css", "icon.svg"])
    preloaded = page.locator("link[rel=modulepreload]").evaluate_all(
        "links => links.map(link => new URL(link.href).pathname)"
    )
    assert sorted(preloaded) == sorted(f"/-/{name}" for name in scripts - {"main.js", "loading.js"})
