"""The pages for everybody: axe-core finds nothing, and they work by keyboard and on a narrow screen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from crypt_core.http.page_texts import LANGUAGES, RIGHT_TO_LEFT
from tests.support.axe import axe_findings
from tests.support.chromium import Tabs
from tests.support.page import FILE, create, reveal, show_options, wait_until, write
from tests.support.platforms import Platform


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


class Views:
    """Walks through every view of all pages, so that a test can look at each."""

    def __init__(self, tabs: Tabs, **settings: Any) -> None:
        self._tabs = tabs
        self._settings = settings

    def walk(self) -> Iterator[tuple[str, Page]]:
        page = self._tabs.open(**self._settings)
        expect(page.locator("#write")).to_be_visible()
        yield "write", page
        page.click("#create")
        expect(page.locator("#text-problem")).not_to_be_empty()
        show_options(page)
        page.click("#generate")
        yield "write, with a problem and a passphrase", page
        page.set_input_files("#file", FILE)
        expect(page.locator("#attached")).to_be_visible()
        yield "write, with a file", page
        passphrase = page.input_value("#new-passphrase")
        file = create(page)
        yield "sent", page
        page.click("#destroy")
        yield "sent, asking for confirmation", page
        yield from self._read(file, passphrase)
        expect(page.locator("#destroying")).to_be_hidden()
        yield "sent, read", page
        page.click("#another")
        text = write(page, "secret\n" * 40 + "x" * 400)
        yield from self._read(text, "")
        yield from self._large_files()
        yield from self._plain()

    def _large_files(self) -> Iterator[tuple[str, Page]]:
        """Each transfer stands still for as long as it is looked at."""
        page = self._tabs.open(**self._settings)
        large: FilePayload = {"name": "x" * 200, "mimeType": "", "buffer": bytes(102_400)}
        page.set_input_files("#file", [FILE, large])
        expect(page.locator("#size")).not_to_be_empty()
        yield "write, with several files", page
        with self._held_parts(page):
            page.click("#create")
            expect(page.locator("#sending")).to_be_visible()
            yield "sending", page
        expect(page.locator("#sent")).to_be_visible()
        page.goto(page.input_value("#link"))
        page.reload()
        reveal(page)
        yield "message, with several files", page
        with self._held_parts(page):
            page.click("#save")
            expect(page.locator("#download")).to_be_visible()
            yield "message, fetching files", page
        expect(page.locator("#content-files .state")).to_have_text([re.compile("."), re.compile(".")])
        page.click("#done")

    @contextmanager
    def _held_parts(self, page: Page) -> Iterator[None]:
        held: list[Route] = []
        is_over = False
        page.route("**/part", lambda route: route.fallback() if is_over else held.append(route))
        yield
        wait_until(page, lambda: bool(held))
        is_over = True
        for route in held:
            route.fallback()

    def _read(self, link: str, passphrase: str) -> Iterator[tuple[str, Page]]:
        page = self._tabs.open(link, **self._settings)
        expect(page.locator("#read")).to_be_visible()
        if passphrase:
            page.click("#reveal")
            expect(page.locator("#read-problem")).not_to_be_empty()
            yield "read, with a problem", page
            page.fill("#passphrase", passphrase)
        else:
            yield "read", page
        reveal(page)
        yield "message", page
        page.click("#done")
        yield "closed", page
        page.goto(link)
        page.reload()
        expect(page.locator("#gone")).to_be_visible()
        yield "gone", page

    def _plain(self) -> Iterator[tuple[str, Page]]:
        with self._tabs.platform.client() as client:
            path = client.post("/", json={"message": "secret"}).json()["id"]
        page = self._tabs.open(f"{self._tabs.platform.url}/{path}", **self._settings)
        yield "plain", page
        page.click("form button")
        page.wait_for_selector("#message:visible")
        yield "plain, revealed", page
        without = self._tabs.open(f"{self._tabs.platform.url}/{path}", **self._settings, java_script_enabled=False)
        without.click("form button")
        without.wait_for_url("**/reveal")
        yield "not found", self._tabs.open(f"{self._tabs.platform.url}/a/b", **self._settings)
        broken = self._tabs.new(**self._settings)
        broken.route("**/-/qr.js", lambda route: route.abort())
        broken.goto(self._tabs.platform.url)
        expect(broken.locator("#not-loaded")).to_be_visible()
        yield "not loaded", broken


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "ar")])
def test_axe_finds_nothing(tabs: Tabs, scheme: str, language: str) -> None:
    findings: dict[str, Any] = {}
    views = 0
    for name, page in Views(tabs, color_scheme=scheme, locale=language, reduced_motion="reduce").walk():
        if found := axe_findings(page):
            findings[name] = found
        views += 1
    assert findings == {}
    assert views == 22


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_every_view_fits_a_narrow_screen(tabs: Tabs, language: str) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels, no view has to be scrolled sideways."""
    for name, page in Views(tabs, viewport={"width": 320, "height": 640}, locale=language).walk():
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        elements = "[...document.querySelectorAll('main :not(input)')]"
        wide = f"{elements}.filter((e) => e.scrollWidth > 320).map((e) => e.tagName)"
        assert page.evaluate(wide) == [], name


def test_every_language_fits_a_narrow_screen(tabs: Tabs) -> None:
    """Also on a screen of 320 pixels: what stands on buttons and beside fields is not as short in every language."""
    page = tabs.open(viewport={"width": 320, "height": 640})
    for code in LANGUAGES:
        page.select_option("#language", code)
        expect(page.locator("html")).to_have_attribute("lang", code)
        assert page.locator("html").get_attribute("dir") == ("rtl" if code in RIGHT_TO_LEFT else "ltr")
        wide = page.evaluate("""() => [...document.querySelectorAll("main section")].filter((section) => {
          for (const other of document.querySelectorAll("main section")) other.hidden = other !== section;
          return document.documentElement.scrollWidth > 320;
        }).map((section) => section.id)""")
        assert wide == [], code


@pytest.mark.parametrize(("width", "height"), [(390, 664), (1_366, 657)])
def test_the_main_button_is_above_the_fold_in_every_language(tabs: Tabs, width: int, height: int) -> None:
    """On a phone and on a small laptop, with room for the line that a browser shows at its lower edge."""
    page = tabs.open(viewport={"width": width, "height": height})
    for code in LANGUAGES:
        page.select_option("#language", code)
        expect(page.locator("html")).to_have_attribute("lang", code)
        assert page.evaluate("document.querySelector('#create').getBoundingClientRect().bottom") < height - 24, code


@pytest.mark.parametrize("width", [240, 320, 1_180])
def test_a_long_file_name_fits(tabs: Tabs, width: int) -> None:
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


def test_no_button_has_a_second_line(tabs: Tabs) -> None:
    """A file's very long name leaves the buttons their room."""
    page = tabs.open(viewport={"width": 320, "height": 640}, locale="es-ES")
    page.set_input_files("#file", {**FILE, "name": "x" * 200})
    expect(page.locator("#attached")).to_be_visible()
    show_options(page)
    page.fill("#new-passphrase", "x")
    buttons = page.locator("#write-form").get_by_role("button").and_(page.locator("button"))
    heights = [buttons.nth(index).evaluate("(button) => button.offsetHeight") for index in range(buttons.count())]
    assert len(heights) == 8
    assert len(set(heights)) == 1


def test_the_page_works_by_keyboard(tabs: Tabs) -> None:
    sender = tabs.open()
    expect(sender.locator("#text")).to_be_focused()
    sender.keyboard.type("secret")
    for focused in ("Attach files", "24 hrs"):
        sender.keyboard.press("Tab")
        expect(sender.locator(":focus")).to_have_accessible_name(focused)
    sender.keyboard.press("ArrowRight")
    expect(sender.get_by_label("5 mins")).to_be_checked()
    sender.keyboard.press("Tab")
    expect(sender.locator(":focus")).to_have_text("More options")
    sender.keyboard.press("Enter")
    expect(sender.locator("#new-passphrase")).to_be_enabled()
    options = ("One reader fewer", "Readers", "One reader more", "Passphrase (optional)", "Show", "Generate")
    for focused in (*options, "Create link"):
        sender.keyboard.press("Tab")
        expect(sender.locator(":focus")).to_have_accessible_name(focused)
    sender.keyboard.press("Enter")
    expect(sender.get_by_role("heading", name="Your link is ready")).to_be_focused()
    link = sender.get_by_role("textbox", name="Link").input_value()
    sender.keyboard.press("Tab")
    assert sender.evaluate("getSelection().toString()") == link
    reader = tabs.open(link)
    expect(reader.get_by_role("heading", name="Someone sent you a sealed message")).to_be_focused()
    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("heading", name="Your message")).to_be_focused()
    reader.keyboard.press("Tab")
    expect(reader.get_by_role("region", name="Text of the message")).to_be_focused()
    expect(sender.get_by_role("status")).to_contain_text("Read today")  # a live region, which a screen reader reads out
    sender.get_by_role("button", name="Send another secret").focus()
    sender.keyboard.press("Enter")
    expect(sender.locator("#text")).to_be_focused()
    sender.keyboard.type("another")
    sender.keyboard.press("Control+Enter")
    expect(sender.get_by_role("heading", name="Your link is ready")).to_be_focused()
    while not sender.evaluate("document.activeElement.id === 'destroy'"):
        sender.keyboard.press("Tab")
    sender.keyboard.press("Enter")
    sender.keyboard.press("Enter")
    expect(sender.get_by_role("heading", name="It has been destroyed")).to_be_focused()


def test_the_focus_is_never_lost(tabs: Tabs) -> None:
    page = tabs.open()
    page.set_input_files("#file", FILE)
    page.click("#attached button")
    expect(page.locator("#text")).to_be_focused()
    write(page)
    page.click("#destroy")
    page.click("#keep")
    expect(page.locator("#destroy")).to_be_focused()
    page.click("#destroy")
    page.click("#destroy")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_screen_reader_reads_a_receipt_once(tabs: Tabs) -> None:
    """A screen reader reads out every text that is set in a live region, even the same text again."""
    sender = tabs.new()
    sender.clock.install()
    sender.goto(tabs.platform.url + "/")
    link = write(sender, reads=3)
    reveal(tabs.open(link))
    sender.clock.fast_forward(3_000)
    expect(sender.get_by_role("status")).to_contain_text("Read by 1 of 3")
    sender.evaluate("""() => {
      window.changes = 0;
      const observer = new MutationObserver(() => window.changes++);
      observer.observe(document.querySelector("#receipt"), { childList: true, subtree: true });
    }""")
    for _ in range(3):
        with sender.expect_response(lambda response: response.url.endswith("/status")):
            sender.clock.fast_forward(30_000)
        sender.wait_for_function("new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    assert sender.evaluate("window.changes") == 0


def test_nothing_moves_for_those_who_prefer_that(tabs: Tabs) -> None:
    for preference, seconds in [("reduce", "0s"), ("no-preference", "0.15s, 0.15s, 0.15s")]:
        page = tabs.open(reduced_motion=preference)
        expect(page.locator("#create")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.querySelector('#create')).transitionDuration") == seconds
