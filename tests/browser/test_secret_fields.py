"""The fields for passphrases and the token take what a person gives, and nothing else; hidden ones take nothing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, reveal, show_options, write
from tests.support.platforms import Platform

FILL = """([selector, value, event]) => {
  const field = document.querySelector(selector);
  field.value = value;
  field.dispatchEvent(new Event(event ?? "input", { bubbles: true }));
}"""


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


def expect_enabled(page: Page, *ids: str) -> None:
    """The fields that can be filled are those that are shown."""
    enabled = "[...document.querySelectorAll('input[type=password]:enabled')].map((field) => field.id)"
    assert page.evaluate(enabled) == list(ids)


def test_a_field_that_is_hidden_is_disabled_in_every_view(tabs: Tabs) -> None:
    sender = tabs.new()
    sender.route("**/-/main.js", lambda route: route.abort())
    sender.goto(tabs.platform.url)
    expect_enabled(sender)  # before any script has run
    sender.unroute("**/-/main.js")
    sender.reload()
    expect(sender.locator("#write")).to_be_visible()
    expect_enabled(sender)  # it is folded
    show_options(sender)
    expect(sender.locator("#new-passphrase")).to_be_enabled()
    expect_enabled(sender, "new-passphrase")
    sender.click("#more summary")
    expect(sender.locator("#new-passphrase")).to_be_disabled()
    link = write(sender, passphrase="correct horse")
    expect_enabled(sender)
    sender.click("#another")
    expect_enabled(sender)
    reader = tabs.open(link)
    expect(reader.locator("#read")).to_be_visible()
    expect_enabled(reader, "passphrase")
    reader.fill("#passphrase", "correct horse")
    reveal(reader)
    expect_enabled(reader)
    reader = tabs.open(write(sender))
    expect(reader.locator("#read")).to_be_visible()
    expect_enabled(reader)
    reader.goto(tabs.platform.url + "/#broken")
    expect(reader.locator("#gone")).to_be_visible()
    expect_enabled(reader)


def test_a_fill_that_nobody_asked_for_is_removed(tabs: Tabs) -> None:
    page = tabs.open()
    show_options(page)
    page.click("#text")
    page.evaluate(FILL, ["#new-passphrase", "what a program knows"])
    assert page.input_value("#new-passphrase") == ""
    expect(page.locator("#strength")).to_be_empty()
    page.evaluate(FILL, ["#new-passphrase", "what a program knows", "change"])
    assert page.input_value("#new-passphrase") == ""
    page.click("#new-passphrase")
    page.evaluate(FILL, ["#new-passphrase", "picked by its user"])
    page.keyboard.type("!")
    page.keyboard.press("Tab")
    assert page.input_value("#new-passphrase") == "picked by its user!"
    page.click("#generate")
    generated = page.input_value("#new-passphrase")
    page.click("#new-passphrase")
    page.keyboard.press("Tab")
    assert page.input_value("#new-passphrase") == generated


def test_a_token_for_another_time_is_not_sent_where_none_is_needed(tabs: Tabs) -> None:
    page = tabs.open()
    page.evaluate("localStorage.setItem('token', 'remembered')")
    page.reload()
    with page.expect_request(lambda request: request.method == "PUT") as request:
        write(page)
    assert "authorization" not in request.value.all_headers()
    assert page.evaluate("localStorage.getItem('token')") == "remembered"


def test_a_message_without_a_passphrase_opens_though_one_was_given(tabs: Tabs) -> None:
    reader = tabs.new()

    def claim_passphrase(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"passphrase": True})

    reader.route("**/status", claim_passphrase)
    reader.goto(write(tabs.open()))
    reader.fill("#passphrase", "correct horse")
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_have_text(
        "This message has no passphrase. Nothing was read; open it without one."
    )
    expect(reader.locator("#passphrase-field")).to_be_hidden()
    expect(reader.locator("#reveal")).to_be_focused()
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE


def test_no_browser_keeps_what_secret_fields_show(server_tabs: Tabs) -> None:
    """Firefox writes the fields of a tab to the disk, to restore them, unless they say no."""
    fields = "[...document.querySelectorAll('textarea, [type=password], [readonly]')].map((e) => e.autocomplete)"
    assert set(server_tabs.open().evaluate(fields)) == {"off", "new-password"}
