"""The web page, when something else is done while it waits for the service."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import CLOCK, FILE, MESSAGE, create, expect_heading, reveal, write
from tests.support.platforms import Platform

SEALED = re.compile(r"/[\w-]{22}(/status)?$")


@pytest.fixture
def tabs(browser: Browser, server: Platform) -> Iterator[Tabs]:
    """On one platform: what is looked at happens in the browser."""
    with Tabs(browser, server) as tabs:
        yield tabs


def hold(page: Page, method: str, path: str = "") -> Callable[[], None]:
    """Keep such requests waiting, until what is given is called."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        if route.request.method == method and route.request.url.endswith(path):
            held.append(route)
        else:
            route.fallback()

    def release() -> None:
        wait_until(page, lambda: bool(held))
        page.unroute(SEALED, keep)
        for route in held:
            with page.expect_response(route.request.url):
                route.fallback()
        settle(page)

    page.route(SEALED, keep)
    return release


def settle(page: Page) -> None:
    """Let the page do what it does with an answer."""
    page.wait_for_function("new Promise((resolve) => setTimeout(() => resolve(true), 200))")


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never was so")


def go(page: Page, link: str) -> None:
    """As pasting it into the address bar would."""
    page.evaluate("link => { location.href = link; }", link)


def test_the_passphrase_that_is_shown_is_the_one_that_was_used(tabs: Tabs) -> None:
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    sender.fill("#new-passphrase", "correct horse")
    release = hold(sender, "PUT")
    sender.click("#create")
    expect(sender.locator("#create")).to_have_text("Sealing…")
    sender.click("#generate")
    release()
    expect(sender.locator("#sent-passphrase")).to_have_value("correct horse")


def test_who_leaves_while_it_is_sealed_still_gets_the_link(tabs: Tabs) -> None:
    other = write(tabs.open())
    sender = tabs.open()
    sender.fill("#text", MESSAGE)
    put, status = hold(sender, "PUT"), hold(sender, "GET", "/status")
    sender.click("#create")
    go(sender, other)
    put()
    expect_heading(sender, "Your link is ready")
    status()
    expect_heading(sender, "Your link is ready")
    assert sender.input_value("#link") != other


def test_who_leaves_while_it_is_opened_still_gets_the_message(tabs: Tabs) -> None:
    writer = tabs.open()
    link = write(writer)
    writer.click("#another")
    other = write(writer, "another")
    reader = tabs.open(link)
    expect_heading(reader, "A sealed message for you")
    read, status = hold(reader, "GET"), hold(reader, "GET", "/status")
    reader.click("#reveal")
    go(reader, other)
    read()
    expect(reader.locator("#content")).to_have_text(MESSAGE)
    status()
    expect(reader.locator("#content")).to_have_text(MESSAGE)
    expect(reader.locator("#message")).to_be_visible()
    with reader.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        reader.click("#done")
    assert deleted.value.status == 204
    reveal(tabs.open(other))


def test_who_leaves_before_it_is_asked_for_reads_nothing(tabs: Tabs) -> None:
    writer = tabs.open()
    link = write(writer, passphrase="x")
    reader = tabs.open(link)
    reader.fill("#passphrase", "x")
    reader.evaluate("() => { document.querySelector('#reveal').click(); location.hash = 'A'.repeat(22); }")
    expect_heading(reader, "There is no message here")
    expect(reader.locator("#reveal")).to_have_text("Open the message")
    expect_heading(reader, "There is no message here")
    assert reader.evaluate("sessionStorage.length") == 0
    expect_heading(tabs.open(link), "A sealed message for you")


def test_a_late_receipt_does_not_disturb_a_writer(tabs: Tabs) -> None:
    page = tabs.new()
    release = hold(page, "GET", "/status")
    link = write(tabs.open())
    with page.expect_request(lambda request: request.url.endswith("/status")):
        page.goto(link)
    page.evaluate("() => { location.hash = ''; }")
    expect_heading(page, "Send it once")
    page.fill("#text", "half a sen")
    release()
    expect_heading(page, "Send it once")
    assert page.input_value("#text") == "half a sen"


def test_a_receipt_stays_when_the_service_has_forgotten_it(tabs: Tabs) -> None:
    sender = tabs.open()
    reveal(tabs.open(write(sender)))
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))
    sender.route(SEALED, lambda route: route.fulfill(status=404, json={"error": "Message not found"}))
    sender.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    settle(sender)
    expect(sender.locator("#state")).to_have_text(re.compile(f"^Read {CLOCK}$"))


def test_an_answer_that_was_lost_is_still_there_after_too_many_requests(tabs: Tabs) -> None:
    reader = tabs.open(write(tabs.open()))
    expect_heading(reader, "A sealed message for you")
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


def test_a_language_that_does_not_come_changes_nothing(tabs: Tabs) -> None:
    page = tabs.open(locale="en-GB")
    expect_heading(page, "Send it once")
    page.route("**/texts/es.js", lambda route: route.abort())
    page.select_option("#language", label="Español")
    expect(page.locator("#language")).to_have_value("en")
    expect_heading(page, "Send it once")
    spanish = tabs.new(locale="es-ES")
    spanish.route("**/texts/es.js", lambda route: route.abort())
    spanish.goto(tabs.platform.url + "/")
    expect_heading(spanish, "Send it once")


def test_the_language_that_was_chosen_last_is_spoken(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send it once")
    held: list[Route] = []
    page.route("**/texts/es.js", lambda route: held.append(route))  # noqa: PLW0108
    page.select_option("#language", label="Español")
    page.select_option("#language", label="English")
    wait_until(page, lambda: bool(held))
    with page.expect_response("**/texts/es.js"):
        held[0].fallback()
    settle(page)
    expect_heading(page, "Send it once")
    expect(page.locator("#language")).to_have_value("en")


def test_what_is_pasted_from_a_spreadsheet_is_text(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send it once")
    assert page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add("a cell", "text/plain");
      data.items.add(new File(["pixels"], "image.png", { type: "image/png" }));
      const event = new ClipboardEvent("paste", { clipboardData: data, cancelable: true });
      return document.querySelector("#text").dispatchEvent(event);
    }""")  # it is left to the field
    expect(page.locator("#attached")).to_be_hidden()


def test_a_name_that_is_too_long_is_told(tabs: Tabs) -> None:
    page = tabs.open()
    page.set_input_files("#file", {**FILE, "name": "x" * 4_000})
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("The file's name is too long.")


@pytest.mark.parametrize("width", [240, 320, 1_180])
def test_a_long_name_fits(tabs: Tabs, width: int) -> None:
    page = tabs.open(viewport={"width": width, "height": 640})
    page.set_input_files("#file", {**FILE, "name": "quarterly_report_" * 12 + ".pdf"})
    link = create(page)
    page.goto(link)
    page.reload()
    reveal(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#done")
    page.click("#home")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_focus_is_never_lost(tabs: Tabs) -> None:
    page = tabs.open()
    page.set_input_files("#file", FILE)
    page.click("#remove-file")
    expect(page.locator("#text")).to_be_focused()
    write(page)
    page.click("#destroy")
    page.click("#keep")
    expect(page.locator("#destroy")).to_be_focused()
    page.click("#destroy")
    page.click("#destroy")
    expect(page.locator("#state")).to_be_focused()
