"""The web page where something is wrong: the network, the link, the answer, the browser."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.support.chromium import Tabs
from tests.support.page import CLOCK, MESSAGE, create, expect_heading, reveal, stored, write


def test_without_a_network_nothing_is_lost(tabs: Tabs) -> None:
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    sender.context.set_offline(True)
    sender.click("#create")
    expect(sender.locator("#write-problem")).to_contain_text("The service cannot be reached. Nothing is lost")
    sender.context.set_offline(False)
    link = create(sender)
    sender.context.set_offline(True)
    expect(sender.locator("#sent-problem")).to_contain_text("still trying", timeout=20_000)
    reader = tabs.open(link)
    expect_heading(reader, "A sealed message for you")
    reader.context.set_offline(True)
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_contain_text("The service cannot be reached")
    reader.context.set_offline(False)
    sender.context.set_offline(False)
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"), timeout=20_000)
    expect(sender.locator("#sent-problem")).to_be_empty()


def test_what_could_not_be_destroyed_is_not_said_to_be(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender)
    sender.context.set_offline(True)
    for _ in range(2):
        sender.click("#destroy")
    expect(sender.locator("#destroy")).to_have_text("Destroying…")
    sender.dispatch_event("#destroy", "click")  # it is about to
    expect(sender.locator("#keep")).to_be_hidden()
    expect(sender.locator("#destroy")).to_have_text("Destroy it now")
    expect(sender.locator("#sent-problem")).to_contain_text("The service cannot be reached")
    expect(sender.locator("#state")).to_have_text("Not read yet")
    sender.context.set_offline(False)
    expect_heading(tabs.open(link), "A sealed message for you")
    for _ in range(2):
        sender.click("#destroy")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))


def test_lost_answers_are_asked_for_again(tabs: Tabs) -> None:
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method in ("PUT", "GET") and route.request.resource_type == "fetch":
            address = {tabs.platform.address_header: tabs.platform.next_address()}
            route.fetch(headers={**route.request.all_headers(), **address})  # it is done, and nobody learns of it
            lost.append(route.request.method)
            route.abort()

    sender, reader = tabs.open(), tabs.new()
    sender.route(tabs.platform.url + "/*", lose, times=1)
    reader.goto(write(sender))
    expect_heading(reader, "A sealed message for you")
    reader.route(tabs.platform.url + "/*", lose, times=1)
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    assert lost == ["PUT", "GET"]


@pytest.mark.parametrize(
    "fragment", ["x", "A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "%", "q83vASNFZ4mrze8BI0Vni é"]
)
def test_a_mutilated_link_says_so(tabs: Tabs, fragment: str) -> None:
    page = tabs.open(f"{tabs.platform.url}/#{fragment}")
    expect_heading(page, "This link is not complete")
    page.click("#home")
    expect_heading(page, "Send it once")
    assert page.url == tabs.platform.url + "/"


def test_another_link_in_the_same_tab(tabs: Tabs) -> None:
    page = tabs.open(tabs.platform.url + "/#" + "A" * 22)
    expect_heading(page, "There is no message here")
    link = write(tabs.open())
    page.evaluate("url => { location.href = url; }", link)
    expect_heading(page, "A sealed message for you")


@pytest.mark.parametrize(
    ("envelope", "heading"),
    [
        ("of another message", "The message is damaged"),
        ("A" * 5_500, "This message is too new"),
        ("", "The message is damaged"),
    ],
)
def test_what_was_forged_on_the_way_is_not_shown(tabs: Tabs, envelope: str, heading: str) -> None:
    if " " in envelope:
        envelope = stored(tabs.open())["message"]
    page = tabs.open(write(tabs.open()))
    page.route(re.compile("/[^/]{22}$"), lambda route: route.fulfill(json={"message": envelope}))
    page.click("#reveal")
    expect_heading(page, heading)


def test_without_https_it_says_so(tabs: Tabs) -> None:
    page = tabs.new()

    def relay(route: Route) -> None:
        route.fulfill(response=route.fetch(url=tabs.platform.url + "/" + route.request.url.partition(".invalid/")[2]))

    page.route("http://crypt.invalid/**", relay)
    page.goto("http://crypt.invalid/")
    expect_heading(page, "This page needs https")
    tabs.requests.clear()  # of which the invented host is a third party
    tabs.complaints.clear()  # Chromium's own, about https


def test_without_javascript_it_says_so(tabs: Tabs) -> None:
    expect_heading(tabs.open(java_script_enabled=False), "This page needs JavaScript")


def test_where_the_browser_keeps_nothing_it_works(tabs: Tabs) -> None:
    page = tabs.new()
    for storage in ("localStorage", "sessionStorage"):
        page.add_init_script(f"Object.defineProperty(window, '{storage}', {{ get() {{ throw new Error(); }} }})")
    page.goto(write(tabs.open()))
    reveal(page)
    assert page.text_content("#content") == MESSAGE
