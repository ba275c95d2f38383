"""The web page where something is wrong: the network, the link, the response, the browser."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.support.chromium import Tabs
from tests.support.page import (
    CLOCK,
    MESSAGE,
    SEALED_PATH,
    Delayed,
    create,
    expect_heading,
    follow,
    reveal,
    settle,
    write,
    write_request,
)


def test_without_a_network_nothing_is_lost(tabs: Tabs) -> None:
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    sender.context.set_offline(True)
    sender.click("#create")
    expect(sender.locator("#write-problem")).to_contain_text("The service cannot be reached. Nothing is lost")
    sender.context.set_offline(False)
    link = create(sender)
    sender.context.set_offline(True)
    expect(sender.locator("#sent-problem")).to_contain_text("still trying")
    reader = tabs.open(link)
    expect_heading(reader, "Someone sent you a sealed message")
    reader.context.set_offline(True)
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_contain_text("The service cannot be reached")
    reader.context.set_offline(False)
    sender.context.set_offline(False)
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))
    expect(sender.locator("#sent-problem")).to_be_empty()


def test_a_failed_destruction_is_not_shown_as_done(tabs: Tabs) -> None:
    sender = tabs.open()
    link = write(sender)
    destroying = Delayed(sender, "DELETE")
    for _ in range(2):
        sender.click("#destroy")
    destroying.wait()
    expect(sender.locator("#destroy")).to_have_text("Destroying…")
    sender.dispatch_event("#destroy", "click")  # the message is being destroyed: a second click does nothing
    expect(sender.locator("#keep")).to_be_hidden()
    sender.context.set_offline(True)
    destroying.release()
    expect(sender.locator("#destroy")).to_have_text("Destroy it now")
    expect(sender.locator("#sent-problem")).to_contain_text("The service cannot be reached")
    expect(sender.locator("#state")).to_have_text("Not read yet")
    sender.context.set_offline(False)
    expect_heading(tabs.open(link), "Someone sent you a sealed message")
    for _ in range(2):
        sender.click("#destroy")
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Destroyed {CLOCK}$"))


def test_a_request_is_repeated_when_its_response_is_lost(tabs: Tabs) -> None:
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method in ("PUT", "GET") and route.request.resource_type == "fetch":
            address = {tabs.platform.address_header: tabs.platform.next_address()}
            # The service responds, and the response is lost.
            route.fetch(headers={**route.request.all_headers(), **address})
            lost.append(route.request.method)
            route.abort()

    sender, reader = tabs.open(), tabs.new()
    sender.route(tabs.platform.url + "/*", lose, times=1)
    reader.goto(write(sender))
    expect_heading(reader, "Someone sent you a sealed message")
    reader.route(tabs.platform.url + "/*", lose, times=1)
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    assert lost == ["PUT", "GET"]


def test_a_message_whose_response_is_lost_stays_leased_after_too_many_requests(tabs: Tabs) -> None:
    reader = tabs.open(write(tabs.open()))
    expect_heading(reader, "Someone sent you a sealed message")
    asked: list[Route] = []

    def lose(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.fulfill(status=429, json={"error": "Rate limit exceeded"})
        else:
            address = {tabs.platform.address_header: tabs.platform.next_address()}
            route.fetch(headers={**route.request.all_headers(), **address})
            route.abort()

    reader.route(re.compile(r"/[\w-]{22}$"), lose)
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_contain_text("Too many requests")
    reader.unroute(re.compile(r"/[\w-]{22}$"))
    reader.reload()
    expect(reader.locator("#content")).to_have_text(MESSAGE)


@pytest.mark.parametrize("fragment", ["", "x", "A" * 23])
def test_an_incomplete_link_is_called_incomplete(tabs: Tabs, fragment: str) -> None:
    page = tabs.open(f"{tabs.platform.url}/#{fragment}")
    expect_heading(page, "This link is incomplete")
    expect(page.locator("#gone-lede")).to_contain_text(f"{tabs.platform.url}/#q83v")
    page.click("#home")
    expect_heading(page, "Send a secret, once")
    assert page.url == tabs.platform.url + "/"


def test_an_error_without_a_body_is_an_error_like_any_other(tabs: Tabs) -> None:
    page = tabs.open()
    page.route(SEALED_PATH, lambda route: route.fulfill(status=404, body=""))
    page.fill("#text", MESSAGE)
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("The service refused: 404")


def test_what_a_gateway_answers_is_not_taken_for_the_services_word(tabs: Tabs) -> None:
    """One that does not find the service answers 404 without a body, with the response of the service gone."""

    def replace(route: Route) -> None:
        address = {tabs.platform.address_header: tabs.platform.next_address()}
        route.fetch(headers={**route.request.all_headers(), **address})
        route.fulfill(status=404, body="")

    sender = tabs.open()
    link = write(sender)
    reader = tabs.open(link)
    expect_heading(reader, "Someone sent you a sealed message")
    for page in (sender, reader):
        page.route(SEALED_PATH, replace)
    sender.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(sender.locator("#sent-problem")).to_contain_text("still trying")
    assert sender.input_value("#link") == link
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_have_text("The service refused: 404")
    reader.unroute(SEALED_PATH)
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE


def test_a_proxy_that_takes_the_idempotency_key_away_destroys_nothing_of_other_readers(tabs: Tabs) -> None:
    link = write(tabs.open(), reads=2)
    reader = tabs.new()

    def strip(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "idempotency-key"}
        route.continue_(headers=headers)

    reader.route(SEALED_PATH, strip)
    reader.goto(link)
    reveal(reader)
    expect(reader.locator("#message-lede")).not_to_contain_text("deleted")  # the other reader's is still there
    reader.click("#done")
    expect_heading(reader, "Closed")
    expect(reader.locator("#gone-lede")).to_have_text(re.compile("this page. Other readers may still open it"))
    settle(reader)
    last = tabs.open(link)
    reveal(last)
    assert last.text_content("#content") == MESSAGE


def test_another_link_in_the_same_tab(tabs: Tabs) -> None:
    page = tabs.open(tabs.platform.url + "/#" + "A" * 22)
    expect_heading(page, "This link is no longer valid")
    link = write(tabs.open())
    follow(page, link)
    expect_heading(page, "Someone sent you a sealed message")


@pytest.mark.parametrize(
    ("envelope", "heading"),
    [
        ("of another message", "This message is damaged"),
        ("A" * 5_500, "This page is too old for the message"),
        ("", "This message is damaged"),
    ],
)
def test_a_forged_envelope_is_not_shown(tabs: Tabs, envelope: str, heading: str) -> None:
    if " " in envelope:
        envelope = write_request(tabs.open())["message"]
    page = tabs.open(write(tabs.open()))
    page.route(re.compile("/[^/]{22}$"), lambda route: route.fulfill(json={"message": envelope}))
    page.click("#reveal")
    expect_heading(page, heading)


def test_without_https_the_page_asks_for_https(tabs: Tabs) -> None:
    page = tabs.new()

    def relay(route: Route) -> None:
        route.fulfill(response=route.fetch(url=tabs.platform.url + "/" + route.request.url.partition(".invalid/")[2]))

    page.route("http://crypt.invalid/**", relay)
    page.goto("http://crypt.invalid/")
    expect_heading(page, "This page needs https")
    expect(page.locator("#gone-lede")).to_contain_text("docker compose --file deploy/compose.single.yaml up --detach")
    expect(page.locator("#home")).to_be_hidden()  # it would lead here again
    tabs.requests.clear()  # the invented host counts as a third party
    tabs.console_errors.clear()  # Chromium itself reports the lack of https


def test_without_javascript_the_page_asks_for_javascript(tabs: Tabs) -> None:
    page = tabs.open(java_script_enabled=False, locale="es-ES")
    expect_heading(page, "Esta página necesita JavaScript")


def test_the_page_works_where_the_browser_stores_nothing(tabs: Tabs) -> None:
    page = tabs.new()
    for storage in ("localStorage", "sessionStorage"):
        page.add_init_script(f"Object.defineProperty(window, '{storage}', {{ get() {{ throw new Error(); }} }})")
    page.goto(write(tabs.open()))
    reveal(page)
    assert page.text_content("#content") == MESSAGE
