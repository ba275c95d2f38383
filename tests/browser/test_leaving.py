"""Nothing is lost by leaving: the page asks first, a reload keeps the link, and the link leads to its receipt."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.support.chromium import PATIENCE, Tabs
from tests.support.page import (
    FILE,
    SEALED_PATH,
    copy,
    create,
    expect_heading,
    follow,
    reveal,
    settle,
    show_options,
    write,
)
from tests.support.platforms import Platform


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


def asked(page: Page) -> list[str]:
    """What the page, or the browser for it, asks from now on. Each question is answered with yes."""
    questions: list[str] = []
    page.on("dialog", lambda dialog: questions.append(dialog.message or dialog.type))
    return questions


def test_the_page_asks_before_something_is_lost_and_only_then(tabs: Tabs) -> None:
    sender = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    sender.goto(tabs.platform.url)
    questions = asked(sender)
    sender.click("h1")
    sender.reload()
    assert questions == []
    sender.press("#text", "x")
    sender.reload()
    assert questions == ["beforeunload"]  # a draft
    questions.clear()
    sender.set_input_files("#file", FILE)
    link = create(sender)
    sender.click("#another")
    assert questions == ["You have not copied the link, and it is not shown again. Leave anyway?"]
    questions.clear()
    write(sender)
    copy(sender, "#copy-link")
    sender.click("#another")
    assert questions == []
    reader = tabs.open(link)
    questions = asked(reader)
    reveal(reader)
    reader.click("#done")
    assert questions == ["You have not saved the file, and this is the only copy. Leave anyway?"]
    sender.set_input_files("#file", FILE)
    reader = tabs.open(create(sender))
    questions = asked(reader)
    reveal(reader)
    reader.click("#save")
    reader.click("#done")
    assert questions == []


@pytest.mark.parametrize("go", [follow, Page.goto], ids=["script", "address bar"])
def test_the_page_asks_before_another_link_takes_the_place_of_the_only_copy(
    tabs: Tabs, go: Callable[[Page, str], object]
) -> None:
    sender = tabs.open()
    sender.set_input_files("#file", FILE)
    reader = tabs.open(create(sender))
    reveal(reader)
    other = write(tabs.open())
    reader.evaluate("window.confirm = (question) => { window.question = question; return false; }")
    reader.set_default_navigation_timeout(2_000)  # nothing tells that the browser gives the address bar's link up
    with suppress(Error):
        go(reader, other)
    reader.wait_for_function("window.question")
    reader.set_default_navigation_timeout(PATIENCE)
    assert reader.evaluate("window.question") == "You have not saved the file, and this is the only copy. Leave anyway?"
    settle(reader)
    expect(reader.locator("#content-files strong")).to_have_text(FILE["name"])
    assert reader.url == tabs.platform.url + "/"
    reader.evaluate("window.confirm = () => true")
    go(reader, other)
    expect_heading(reader, "Someone sent you a sealed message")


def test_a_generated_passphrase_is_not_lost_by_leaving(tabs: Tabs) -> None:
    """Nobody has typed it, so nobody knows it. A reload shows the link again, and not the passphrase."""
    questions: dict[bool, list[str]] = {}
    for is_copied in (False, True):
        sender = tabs.new(permissions=["clipboard-read", "clipboard-write"])
        sender.goto(tabs.platform.url)
        questions[is_copied] = asked(sender)
        show_options(sender)
        sender.click("#generate")
        write(sender)
        copy(sender, "#copy-link")
        if is_copied:
            copy(sender, "#copy-passphrase")
        sender.click("#another")
        expect_heading(sender, "Send a secret, once")
    question = "You have not copied the passphrase, and it is not shown again. Leave anyway?"
    assert questions == {False: [question], True: []}


def test_a_reload_keeps_the_link_until_the_message_is_read(tabs: Tabs) -> None:
    sender = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    sender.goto(tabs.platform.url)
    link = write(sender, reads=2)
    sender.route(SEALED_PATH, lambda route: route.abort())
    sender.reload()
    expect_heading(sender, "The service cannot be reached")
    sender.unroute(SEALED_PATH)
    sender.click("#retry")
    expect_heading(sender, "Your link is ready")
    assert sender.input_value("#link") == link
    expect(sender.locator("#sent-lede")).to_contain_text("It opens for 2 people")
    questions = asked(sender)
    copy(sender, "#copy-link")
    sender.reload()
    expect_heading(sender, "Your link is ready")
    assert questions == []
    reveal(tabs.open(link))
    expect(sender.locator("#state")).to_have_text("Read by 1 of 2")
    reveal(tabs.open(link))
    expect_heading(sender, "It has been read")
    expect(sender.locator("#sent-link")).to_be_hidden()
    assert sender.input_value("#link") == ""
    expect(sender).to_have_title("It has been read · crypt")
    sender.reload()
    expect_heading(sender, "Send a secret, once")


def test_the_link_leads_to_its_receipt(tabs: Tabs) -> None:
    link = write(tabs.open())
    owner = tabs.open(link)
    owner.click("#see-receipt")
    expect_heading(owner, "Your message is waiting")
    expect(owner.locator("#state")).to_have_text("Not read yet")
    owner.reload()
    expect_heading(owner, "Someone sent you a sealed message")  # nothing was read
    owner.click("#see-receipt")
    owner.click("#destroy")
    owner.click("#destroy")
    expect_heading(owner, "It has been destroyed")
    expect_heading(tabs.open(link), "It was destroyed")
