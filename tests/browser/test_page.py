"""The web page, as people use it: in real Chromium, on both homes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.page import CLOCK, FILE, MESSAGE, create, expect_heading, reveal, stored, write
from tests.support.platforms import ROOT


def test_a_message_is_written_and_read_once(tabs: Tabs) -> None:
    sender, reader = tabs.open(), tabs.new()
    link = write(sender)
    assert re.fullmatch(re.escape(tabs.platform.url) + "/#[A-Za-z0-9_-]{22}", link)
    assert sender.input_value("#text") == ""
    expect(sender.locator("#state")).to_have_text("Not read yet")
    reader.goto(link)
    expect_heading(reader, "A sealed message for you")
    reader.reload()  # nothing is read before the button is pressed
    expect(reader.locator("#read-lede")).to_contain_text("It can be read once.")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    assert reader.url == tabs.platform.url + "/"  # the secret has left the address bar
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))
    expect(sender.locator("#destroy")).to_be_hidden()
    late = tabs.open(link)
    expect_heading(late, "It was already read")
    expect(late.locator("#gone-lede")).to_have_text(re.compile(f"^Somebody opened this message {CLOCK}[.] If that was"))


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
    expect_heading(tabs.open(link), "It was already read")
    reader.goto(tabs.platform.url + "/")
    if passphrase:
        reader.fill("#passphrase", passphrase)
        reader.click("#reveal")
    expect(reader.locator("#message-lede")).to_contain_text("within a minute, it comes back")
    reader.clock.fast_forward(60_000)
    expect(reader.locator("#message-lede")).to_contain_text("your only copy")
    assert reader.evaluate("sessionStorage.length") == 0
    reader.reload()
    expect_heading(reader, "Send it once")


def test_closing_it_leaves_nothing(tabs: Tabs) -> None:
    link = write(tabs.open(), reads=2)
    reader = tabs.open(link)
    expect(reader.locator("#read-lede")).to_contain_text("It can be read 2 more times.")
    reveal(reader)
    with reader.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        reader.click("#done")
    assert deleted.value.status == 204
    expect_heading(reader, "Closed")
    left = reader.evaluate(
        "document.documentElement.textContent + [...document.querySelectorAll('input')].map(e => e.value)"
    )
    assert "žluťoučký" not in left
    assert reader.evaluate("sessionStorage.length") == 0
    reader.reload()
    expect_heading(reader, "Send it once")


def test_a_wrong_passphrase_destroys_nothing(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender, passphrase="correct horse")
    reader = tabs.open(link)
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_have_text("Please enter the passphrase. The sender has it.")
    for left in ("9 tries are", "8 tries are"):
        reader.fill("#passphrase", "wrong")
        reader.press("#passphrase", "Enter")
        expect(reader.locator("#read-problem")).to_contain_text(f"Wrong passphrase. {left} left;")
        expect(reader.locator("#passphrase")).to_be_focused()
    reader.reload()
    expect(reader.locator("#read-lede")).to_contain_text("It can be read once.")  # it is as it was
    expect(sender.locator("#state")).to_have_text("Not read yet")
    reader.fill("#passphrase", "correct horse")
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE


def test_the_tenth_wrong_passphrase_destroys_it(tabs: Tabs) -> None:
    sender = tabs.open()
    reader = tabs.open(write(sender, passphrase="right"))
    for tries_left in range(9, 0, -1):
        reader.fill("#passphrase", "wrong")
        reader.click("#reveal")
        expect(reader.locator("#read-problem")).to_contain_text(
            "One try is" if tries_left == 1 else f"{tries_left} tries"
        )
    reader.fill("#passphrase", "wrong")
    reader.click("#reveal")
    expect_heading(reader, "It was destroyed")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))


def test_a_file_arrives_as_it_was(tabs: Tabs, tmp_path: Path) -> None:
    sender = tabs.open()
    sender.fill("#text", "not this")
    sender.set_input_files("#file", FILE)
    expect(sender.locator("#attached")).to_contain_text("keys ключ.bin 7.5 kB")
    reader = tabs.open(create(sender))
    reveal(reader)
    expect(reader.locator("#content-file")).to_have_text("keys ключ.bin 7.5 kB")
    expect(reader.locator("#copy-content")).to_be_hidden()
    with reader.expect_download() as download:
        reader.click("#save")
    assert download.value.suggested_filename == FILE["name"]
    download.value.save_as(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == FILE["buffer"]


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
    expect_heading(page, "Send it once")
    assert page.evaluate(drop, [])  # a text is left to the browser
    assert not page.evaluate(drop, ["a.txt", "b.txt"])
    expect(page.locator("#write-problem")).to_have_text("One file at a time, please.")
    page.evaluate(drop, ["../.a\u202etxt.exe"])
    expect(page.locator("#file-name")).to_have_text("atxt.exe")
    expect(page.locator("#write-problem")).to_be_empty()
    page.click("#remove-file")
    expect(page.locator("#text")).to_be_visible()
    page.evaluate(paste)
    expect(page.locator("#attached")).to_contain_text("image.png 6 byte")
    page.click("#remove-file")
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("Write something first, or attach a file.")
    expect(page.locator("#text")).to_be_focused()


def test_100_kilobytes_are_the_most(tabs: Tabs) -> None:
    page = tabs.open()
    most = "é" * 51_200
    page.fill("#text", most + "x")
    expect(page.locator("#size")).to_have_text("100 kB of 100 kB")
    page.click("#create")
    expect(page.locator("#write-problem")).to_contain_text("100 kB are the most.")
    page.set_input_files("#file", {**FILE, "buffer": b"x" * 102_401})
    expect(page.locator("#write-problem")).to_contain_text("100 kB are the most.")
    expect(page.locator("#attached")).to_be_hidden()
    assert not [r for r in tabs.requests if r.method == "PUT"]
    reader = tabs.open(write(page, most))
    reveal(reader)
    assert reader.text_content("#content") == most


def test_the_sender_takes_it_back(tabs: Tabs) -> None:
    sender = tabs.open()
    reader = tabs.open(write(sender))
    expect_heading(reader, "A sealed message for you")
    sender.click("#destroy")
    sender.click("#keep")
    expect(sender.locator("#destroy")).to_have_text("Destroy it now")
    sender.click("#destroy")
    sender.click("#destroy")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))
    reader.click("#reveal")
    expect_heading(reader, "It was destroyed")
    sender.click("#another")
    expect_heading(sender, "Send it once")


def test_more_than_one_may_read(tabs: Tabs) -> None:
    sender = tabs.open()
    for reads in ("0", "101", "1.5", ""):
        sender.fill("#text", "x")
        sender.fill("#reads", reads)
        sender.click("#create")
        expect(sender.locator("#write-problem")).to_have_text("It can be read from 1 to 100 times.")
    link = write(sender, reads=2)
    expect(sender.locator("#sent-lede")).to_contain_text("The first 2 who open it")
    reveal(tabs.open(link))
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read once, {CLOCK}; 1 left$"))
    last = tabs.open(link)
    expect(last.locator("#read-lede")).to_contain_text("It can be read once.")
    reveal(last)
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))


def test_the_passphrase_field_helps(tabs: Tabs) -> None:
    page = tabs.open()
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
    expect(page.locator("#new-passphrase")).to_have_attribute("type", "text")  # it is to be told to somebody
    page.click("#show-new-passphrase")
    expect(page.locator("#new-passphrase")).to_have_attribute("type", "password")


def test_the_sender_still_sees_the_passphrase(tabs: Tabs) -> None:
    """It was perhaps made by the page, and has to be told to the reader."""
    page = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    page.goto(tabs.platform.url + "/")
    page.click("#generate")
    passphrase = page.input_value("#new-passphrase")
    link = write(page, passphrase=passphrase)
    assert page.input_value("#sent-passphrase") == passphrase
    page.click("#copy-passphrase")
    expect(page.locator("#copy-passphrase")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == passphrase
    page.click("#another")
    assert page.input_value("#sent-passphrase") == page.input_value("#link") == ""
    reader = tabs.open(link)
    reader.fill("#passphrase", passphrase)
    reveal(reader)


def test_a_browser_may_forbid_copying(tabs: Tabs) -> None:
    page = tabs.new()
    page.add_init_script(
        "navigator.clipboard.writeText = async () => { throw new DOMException('', 'NotAllowedError'); }"
    )
    page.goto(tabs.platform.url + "/")
    write(page)
    page.click("#copy-link")
    expect(page.locator("#copy-link")).to_have_text("Not allowed here")


def test_copy_and_share(tabs: Tabs) -> None:
    page = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script("navigator.share = async (what) => { window.shared = what; }")
    page.goto(tabs.platform.url + "/")
    link = write(page)
    page.click("#copy-link")
    expect(page.locator("#copy-link")).to_have_text("Copied")
    expect(page.locator("#copy-link")).to_have_text("Copy the link")
    assert page.evaluate("navigator.clipboard.readText()") == link
    expect(page.locator("#sent-passphrase-field")).to_be_hidden()
    page.click("#share")
    assert page.evaluate("window.shared") == {"url": link}
    page.goto(link)
    page.reload()
    reveal(page)
    page.click("#copy-content")
    assert page.evaluate("navigator.clipboard.readText()") == MESSAGE
    expect(tabs.open().locator("#share")).to_be_hidden()  # Chromium on Linux cannot


def test_it_lives_as_long_as_was_chosen(tabs: Tabs) -> None:
    page = tabs.open()
    expect(page.locator("#life label")).to_have_text(["5 mins", "1 hr", "8 hrs", "24 hrs"])
    assert stored(page)["ttl"] == 86_400
    page.click("#another")
    page.click("text=5 mins")
    assert stored(page)["ttl"] == 300


@pytest.mark.parametrize(
    ("max_ttl", "lives"),
    [(60, ["1 min"]), (3_600, ["5 mins", "1 hr"]), (604_800, ["5 mins", "1 hr", "8 hrs", "24 hrs", "7 days"])],
)
def test_it_offers_what_the_service_allows(browser: Browser, tmp_path: Path, max_ttl: int, lives: list[str]) -> None:
    with platforms.server(tmp_path, f"--max-ttl={max_ttl}") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        expect(page.locator("#life label")).to_have_text(lives)
        write(page)


def test_each_of_its_files_is_fetched_once_and_at_once(tabs: Tabs) -> None:
    """Without the preloading, a module would be asked for only when the one that imports it is there."""
    page = tabs.open()
    expect_heading(page, "Send it once")
    fetched = [request.url.partition("/-/")[2] for request in tabs.requests]
    scripts = {path.name for path in (ROOT / "crypt_api/static/-").glob("*.js")} - {"reveal.js"}
    assert sorted(fetched) == sorted([*scripts, "", "page.css", "icon.svg", "texts/en.js"])
    preloaded = page.locator("link[rel=modulepreload]").evaluate_all(
        "links => links.map(link => new URL(link.href).pathname)"
    )
    assert sorted(preloaded) == sorted(f"/-/{name}" for name in scripts - {"main.js"})
