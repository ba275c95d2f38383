"""The page in browsers that lack something, or in which a step of showing a message fails: no message is lost."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.chromium import Tabs
from tests.support.page import FILE, LATER_MODULES, QUESTION_MODULES, Delayed, create, expect_heading, reveal, write
from tests.support.plain import create as create_plain
from tests.support.platforms import ROOT

TEXT = "see https://example.org/a and keep  this"

WITHOUT_NEWER_FUNCTIONS = """
  for (const name of ["canParse", "parse"]) delete URL[name];
  for (const name of ["timeout", "any"]) delete AbortSignal[name];
  for (const list of [Array.prototype, Object.getPrototypeOf(Uint8Array.prototype)])
    for (const name of ["findLast", "findLastIndex", "at", "with", "toSorted", "toReversed"]) delete list[name];
  for (const name of ["at", "isWellFormed", "toWellFormed"]) delete String.prototype[name];
  for (const name of ["hasOwn", "groupBy"]) delete Object[name];
  for (const name of ["withResolvers", "try"]) delete Promise[name];
  for (const name of ["toBase64", "toHex"]) delete Uint8Array.prototype[name];
  delete Uint8Array.fromBase64;
  delete window.structuredClone;
  delete HTMLFormElement.prototype.requestSubmit;
  delete Response.prototype.body;
  delete Navigator.prototype.serviceWorker;
  delete Navigator.prototype.clipboard;
  delete Element.prototype.attachShadow;
  delete Element.prototype.part;
"""
"""Chrome before 120, Safari before 17 and older ones, and what some people switch off."""

FAILING = """() => {
  const fail = () => { throw new Error() };
  URL.createObjectURL = history.replaceState = window.scrollTo = fail;
  window.URL = class { constructor() { fail() } };
  Intl.NumberFormat = class { constructor() { fail() } };
  Element.prototype.replaceChildren = Element.prototype.attachShadow = HTMLElement.prototype.focus = fail;
  String.prototype.matchAll = Storage.prototype.getItem = HTMLCanvasElement.prototype.getContext = fail;
}"""
"""Every step that follows the read, and can fail."""

IMAGE: FilePayload = {**FILE, "name": "key.png", "mimeType": "image/png"}


def expect_all_of_the_text(page: Page) -> None:
    expect(page.locator("#content")).to_be_visible()
    assert page.text_content("#content") == TEXT


def test_a_browser_that_lacks_newer_functions_sends_and_opens(server_tabs: Tabs) -> None:
    sender, reader = server_tabs.new(), server_tabs.new()
    for page in (sender, reader):
        page.add_init_script(WITHOUT_NEWER_FUNCTIONS)
    sender.goto(server_tabs.platform.url)
    sender.fill("#text", TEXT)
    sender.press("#text", "Control+Enter")
    expect(sender.locator("#sent")).to_be_visible()
    reader.goto(sender.input_value("#link"))
    reveal(reader)
    expect_all_of_the_text(reader)
    reader.click("#copy-content")
    expect(reader.locator("#copy-content-hint")).to_contain_text("press Ctrl+C")


def test_whatever_fails_after_the_read_the_text_is_shown(server_tabs: Tabs) -> None:
    page = server_tabs.open(write(server_tabs.open(), TEXT))
    expect_heading(page, "Someone sent you a sealed message")
    page.evaluate(FAILING)
    page.click("#reveal")
    expect_all_of_the_text(page)


def test_a_step_that_fails_keeps_no_other_step_from_its_work(server_tabs: Tabs) -> None:
    page = server_tabs.open(write(server_tabs.open(), TEXT))
    expect_heading(page, "Someone sent you a sealed message")
    page.evaluate("() => { history.replaceState = window.scrollTo = () => { throw new Error() }; }")
    reveal(page)
    expect(page.get_by_role("link", name="https://example.org/a")).to_be_visible()
    expect(page.locator("#message-lede")).to_contain_text("within a minute")


def test_whatever_fails_after_the_read_the_file_can_be_saved(server_tabs: Tabs) -> None:
    sender = server_tabs.open()
    sender.set_input_files("#file", IMAGE)
    sender.fill("#text", TEXT)
    page = server_tabs.open(create(sender))
    expect_heading(page, "Someone sent you a sealed message")
    page.evaluate(FAILING)
    page.click("#reveal")
    expect_all_of_the_text(page)
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.path().read_bytes() == IMAGE["buffer"]
    assert download.value.suggested_filename == "key.png"


def test_whatever_fails_after_a_message_was_sent_its_link_is_shown(server_tabs: Tabs) -> None:
    page = server_tabs.open()
    page.fill("#text", TEXT)
    page.evaluate(FAILING)
    page.click("#create")
    expect(page.locator("#sent")).to_be_visible()
    expect(page.locator("#link")).to_have_value(re.compile("#[A-Za-z0-9_-]{22}$"))


def test_whatever_fails_a_plain_message_is_shown(server_tabs: Tabs) -> None:
    url = server_tabs.platform.url
    page = server_tabs.open(f"{url}/{create_plain(url, TEXT)}")
    expect(page.locator("#languages")).to_be_visible()  # the script has started
    page.evaluate(FAILING)
    page.click("#reveal")
    expect(page.locator("#message")).to_be_visible()
    assert page.text_content("#message") == TEXT


@pytest.mark.parametrize(
    "lack",
    [
        "crypto.subtle.decrypt = () => { throw new Error() }",
        "TextDecoder.prototype.decode = () => { throw new Error() }",
        "Uint8Array.prototype.subarray = undefined; Object.getPrototypeOf(Uint8Array.prototype).subarray = undefined",
    ],
)
def test_a_browser_that_cannot_decrypt_is_offered_nothing_to_open(server_tabs: Tabs, lack: str) -> None:
    link = write(server_tabs.open())
    page = server_tabs.new()
    page.add_init_script(lack)
    page.goto(link)
    expect_heading(page, "This browser is too old")
    reveal(server_tabs.open(link))


def test_a_module_that_is_not_loaded_is_told_and_can_be_loaded_again(server_tabs: Tabs) -> None:
    modules = (
        {path.name for path in (ROOT / "crypt_api/static/-").glob("*.js")} - {"reveal.js", "loading.js"} - LATER_MODULES
    )
    link = write(server_tabs.open())
    page = server_tabs.new()
    for name in sorted(modules):
        page.goto("about:blank")
        page.route(f"**/-/{name}", lambda route: route.abort())
        page.goto(link)
        expect(page.locator("h1:visible")).to_have_text("This page did not load completely")
        page.unroute(f"**/-/{name}")
    page.click("#reload")
    expect_heading(page, "Someone sent you a sealed message")
    assert page.url == link
    reveal(page)


@pytest.mark.parametrize("name", sorted(LATER_MODULES - QUESTION_MODULES - {"sending-view.js", "upload.js"}))
def test_nothing_is_read_without_the_modules_that_show_it(server_tabs: Tabs, name: str) -> None:
    page = server_tabs.new()
    page.route(f"**/-/{name}", lambda route: route.abort())
    page.goto(write(server_tabs.open()))
    expect(page.locator("#gone")).to_be_visible()
    page.unroute(f"**/-/{name}")
    page.reload()
    reveal(page)


@pytest.mark.parametrize(
    "script", ["import {", "throw new Error()", "await Promise.reject(new Error())", "export default 1"]
)
def test_a_module_that_does_not_run_is_told(server_tabs: Tabs, script: str) -> None:
    page = server_tabs.new()
    module = "storage.js" if script.startswith("export") else "main.js"
    page.route(f"**/-/{module}", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.goto(server_tabs.platform.url)
    expect(page.locator("h1:visible")).to_have_text("This page did not load completely")
    server_tabs.console_errors.clear()  # the error that this test has made


def test_a_module_that_never_arrives_is_told(server_tabs: Tabs) -> None:
    page = server_tabs.new()
    page.clock.install()
    page.route("**/-/qr.js", lambda _: None)
    page.goto(server_tabs.platform.url, wait_until="commit")
    expect(page.locator("footer")).to_be_visible()
    expect(page.locator("#not-loaded")).to_be_hidden()
    page.clock.fast_forward(21_000)
    expect(page.locator("#not-loaded")).to_be_visible()


def test_the_notice_goes_when_the_first_view_comes(server_tabs: Tabs) -> None:
    """A service that takes its time is no page that did not load."""
    page = server_tabs.new()
    page.clock.install()
    receipt = Delayed(page, "GET", "/status")
    page.goto(write(server_tabs.open()))
    receipt.wait()
    page.clock.fast_forward(21_000)
    expect(page.locator("#not-loaded")).to_be_visible()
    receipt.release()
    expect(page.locator("#read")).to_be_visible()
    expect(page.locator("#not-loaded")).to_be_hidden()


def test_the_reveal_page_works_without_its_modules(server_tabs: Tabs) -> None:
    url = server_tabs.platform.url
    page = server_tabs.new()
    page.route("**/-/views.js", lambda route: route.abort())
    page.goto(f"{url}/{create_plain(url, TEXT)}")
    page.click("#reveal")
    expect(page.locator("#message")).to_have_text(TEXT)
