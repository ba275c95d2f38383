"""Web addresses in a message: a link leads to the host that people read, or it is no link."""

import pytest
from playwright.sync_api import expect

from tests.support.chromium import Tabs
from tests.support.page import reveal, write

LINKS = [
    "https://example.org",
    "http://localhost:8787/a",
    "https://EXAMPLE.org:443/?q=https://example.net",
    "https://192.0.2.1/a",
    "https://[2001:db8::1]:8443/",
    "https://xn--bcher-kva.example/",
    "https://example.org/%E2%80%AE?user@host#a@b",
    "https://example.org/شارع/ключ",
]
NO_LINKS = [
    "https://example.org\u202e/gro.live",
    "https://\u202eexample.org/",
    "https://example.org/\u202egnp.exe",
    "https://exa\u00admple.org/",
    "https://exam\u200bple.org/",
    "https://example.org\u2066/a",
    "https://exam\ufe0fple.org/",
    "https://example.org\u034f/",
    "https://example.org\x7f/",
    "https://example.org@evil.example/",
    "https://example.org:secret@evil.example/",
    "https://@evil.example/",
    "https://evil.example\\@example.org/",
    "https://evil.example\\.example.org/",
    "https://example.org%2F@evil.example/",
    "https://evil%2eexample/",
    "https://\uff45xample.org/",
    "https://evil.example\u3002org/",
    "https://ex\u0430mple.org/",
    "https://ban\u212a.example/",
    "https://example.org\u20dd/",
    "https://example.org\u2800/",
    "https://ex%61mple.org/",
    "https://[::ffff:192.0.2.1]/",
    "https://example.org:0443/",
    "https://https://evil.example/",
    "https://example.org\u2044evil.example/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https:///evil.example/",
    "https://",
    "https://exa mple..:x/",
]


def test_a_link_leads_where_it_seems_to_lead(server_tabs: Tabs) -> None:
    text = "\n".join(f"({address})." for address in LINKS + NO_LINKS)
    reader = server_tabs.open(write(server_tabs.open(), text))
    reveal(reader)
    assert reader.text_content("#content") == text
    links = reader.locator("#content a")
    assert [link.get_attribute("href") for link in links.all()] == [*LINKS, "https://exa"]
    assert {link.get_attribute("rel") for link in links.all()} == {"noopener noreferrer"}
    places = reader.locator("#content .address")
    assert places.all_text_contents() == [*LINKS, "https://exa"]
    styles = "(place) => [getComputedStyle(place).direction, getComputedStyle(place).unicodeBidi]"
    assert {tuple(place.evaluate(styles)) for place in places.all()} == {("ltr", "isolate")}


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_text_around_a_link_does_not_change_how_it_looks(server_tabs: Tabs, language: str) -> None:
    """An override before the link, which would turn it around: its characters go from left to right all the same."""
    reader = server_tabs.open(write(server_tabs.open(), "\u202e\u05d0\u05d1 https://example.org/abc"), locale=language)
    reveal(reader)
    order = """() => {
      const text = document.querySelector("#content .address").firstChild;
      return Array.from(text.data, (_, at) => {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left;
      });
    }"""
    lefts = reader.evaluate(order)
    assert lefts == sorted(lefts)
    assert len(set(lefts)) == len("https://example.org/abc")


def test_a_link_is_followed_selected_and_copied_as_a_part_of_the_text(server_tabs: Tabs) -> None:
    text = f"see {server_tabs.platform.url}/-/health and go"
    reader = server_tabs.open(write(server_tabs.open(), text))
    reveal(reader)
    copied = """() => {
      getSelection().selectAllChildren(document.querySelector("#content"));
      let text;
      addEventListener("copy", () => { text = getSelection().toString(); }, { once: true });
      document.execCommand("copy");
      return text;
    }"""
    assert reader.evaluate(copied) == text
    reader.locator("#content").focus()
    reader.keyboard.press("Tab")
    with reader.context.expect_page() as opened:
        reader.keyboard.press("Enter")
    expect(opened.value.locator("body")).to_contain_text("ok")
    assert opened.value.evaluate("window.opener") is None
