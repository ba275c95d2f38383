"""The pages for everybody: axe-core finds nothing, and it works by keyboard, on a narrow screen, in both languages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import Tabs
from tests.support.page import FILE, create, expect_heading, reveal, write
from tests.support.platforms import ROOT, Platform

AXE = (ROOT / "tools/browser/node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
def tabs(browser: Browser, server: Platform) -> Iterator[Tabs]:
    """On one platform: both serve the same files."""
    with Tabs(browser, server) as tabs:
        yield tabs


class Views:
    """Walks through every view of all pages, and has each of them looked at."""

    def __init__(self, tabs: Tabs, **settings: Any) -> None:
        self._tabs = tabs
        self._settings = settings

    def walk(self) -> Iterator[tuple[str, Page]]:
        page = self._tabs.open(**self._settings)
        expect(page.locator("#write")).to_be_visible()
        yield "write", page
        page.click("#create")
        expect(page.locator("#write-problem")).not_to_be_empty()
        page.click("#generate")
        yield "write, with a problem and a passphrase", page
        page.set_input_files("#file", FILE)
        expect(page.locator("#attached")).to_be_visible()
        yield "write, with a file", page
        passphrase = page.input_value("#new-passphrase")
        file = create(page)
        yield "sent", page
        page.click("#destroy")
        yield "sent, asking", page
        yield from self._read(file, passphrase)
        expect(page.locator("#destroying")).to_be_hidden()
        yield "sent, read", page
        page.click("#another")
        text = write(page, "secret\n" * 40 + "x" * 400)
        yield from self._read(text, "")
        yield from self._plain()

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
        expect_heading(without, "There is no message here")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tabs: Tabs, scheme: str) -> None:
    findings: dict[str, Any] = {}
    views = 0
    for name, page in Views(tabs, color_scheme=scheme, reduced_motion="reduce").walk():
        page.evaluate(AXE)
        result = page.evaluate("axe.run({ resultTypes: ['violations', 'incomplete'] })")
        found = [
            (finding["id"], node["html"], node["failureSummary"])
            for finding in result["violations"]
            for node in finding["nodes"]
        ]
        if found:
            findings[name] = found
        assert len(result["passes"]) > 10
        views += 1
    assert findings == {}
    assert views == 16


@pytest.mark.parametrize("language", ["en-GB", "es-ES"])
def test_it_fits_a_narrow_screen(tabs: Tabs, language: str) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels nothing has to be scrolled sideways."""
    for name, page in Views(tabs, viewport={"width": 320, "height": 640}, locale=language).walk():
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        elements = "[...document.querySelectorAll('main :not(input)')]"
        wide = f"{elements}.filter((e) => e.scrollWidth > 320).map((e) => e.tagName)"
        assert page.evaluate(wide) == [], name


def test_no_word_is_broken_that_need_not_be(tabs: Tabs) -> None:
    """Not even beside a file whose name has no end."""
    page = tabs.open(viewport={"width": 320, "height": 640}, locale="es-ES")
    page.set_input_files("#file", {**FILE, "name": "x" * 200})
    expect(page.locator("#attached")).to_be_visible()
    page.fill("#new-passphrase", "x")
    buttons = page.get_by_role("button")
    heights = [buttons.nth(index).evaluate("(button) => button.offsetHeight") for index in range(buttons.count())]
    assert len(heights) == 4
    assert len(set(heights)) == 1


def test_it_works_by_keyboard(tabs: Tabs) -> None:
    sender = tabs.open()
    expect(sender.get_by_role("heading", level=1)).to_be_focused()
    sender.keyboard.press("Tab")
    sender.keyboard.type("secret")
    for focused in ("Attach a file", "24 hrs"):
        sender.keyboard.press("Tab")
        expect(sender.locator(":focus")).to_have_accessible_name(focused)
    sender.keyboard.press("ArrowRight")
    expect(sender.get_by_label("5 mins")).to_be_checked()
    for focused in ("Readers", "Passphrase (optional)", "Show", "Generate", "Create the link"):
        sender.keyboard.press("Tab")
        expect(sender.locator(":focus")).to_have_accessible_name(focused)
    sender.keyboard.press("Enter")
    expect(sender.get_by_role("heading", name="Your link is ready")).to_be_focused()
    link = sender.get_by_role("textbox", name="Link").input_value()
    sender.keyboard.press("Tab")
    assert sender.evaluate("getSelection().toString()") == link
    reader = tabs.open(link)
    expect(reader.get_by_role("heading", name="A sealed message for you")).to_be_focused()
    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("heading", name="The message", exact=True)).to_be_focused()
    reader.keyboard.press("Tab")
    expect(reader.get_by_role("region", name="Content of the message")).to_be_focused()
    expect(sender.get_by_role("status")).to_contain_text("Read today")  # a live region: it is said, too


def test_nothing_is_said_twice(tabs: Tabs) -> None:
    """A screen reader says what a live region gets, even if it is what it had."""
    sender = tabs.new()
    sender.clock.install()
    sender.goto(tabs.platform.url + "/")
    link = write(sender, reads=3)
    reveal(tabs.open(link))
    sender.clock.fast_forward(3_000)
    expect(sender.get_by_role("status")).to_contain_text("Read once, today")
    sender.evaluate("""() => {
      window.said = 0;
      const observer = new MutationObserver(() => window.said++);
      observer.observe(document.querySelector("#receipt"), { childList: true, subtree: true });
    }""")
    for _ in range(3):
        with sender.expect_response(lambda response: response.url.endswith("/status")):
            sender.clock.fast_forward(30_000)
        sender.wait_for_function("new Promise((resolve) => requestAnimationFrame(() => resolve(true)))")
    assert sender.evaluate("window.said") == 0


def test_it_moves_only_for_those_who_like_it(tabs: Tabs) -> None:
    for preference, seconds in [("reduce", "0s"), ("no-preference", "0.15s, 0.15s, 0.15s")]:
        page = tabs.open(reduced_motion=preference)
        expect(page.locator("#create")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.querySelector('#create')).transitionDuration") == seconds


def test_it_speaks_the_readers_language(tabs: Tabs) -> None:
    page = tabs.open(locale="es-MX")
    expect_heading(page, "Envíalo una sola vez")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.fill("#text", "secreto")
    page.fill("#reads", "0")
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("Se puede leer de 1 a 100 veces.")
    page.select_option("#language", label="English")
    expect(page.locator("#write-problem")).to_have_text("It can be read from 1 to 100 times.")
    assert page.input_value("#text") == "secreto"
    page.fill("#reads", "2")
    link = create(page)
    expect(page.locator("#sent-lede")).to_have_text(re.compile("^The first 2 who open it"))
    page.select_option("#language", label="Español")
    expect(page.locator("#sent-lede")).to_have_text(re.compile("^Los primeros 2 que lo abran"))
    expect(page).to_have_title("Tu enlace está listo · crypt")
    expect(page.locator("#until")).to_have_text(re.compile(r"desaparece mañana, \d+:\d\d"))
    mexican = tabs.open(link, locale="es-MX")
    expect(mexican.locator("#read-lede")).to_have_text(re.compile(r"mañana, \d+:\d\d\s[ap][.]\s?m[.]$"))
    page.goto(link)
    expect_heading(page, "Un mensaje sellado para ti")  # it was chosen, so it stays
    french = tabs.open(locale="fr-FR")
    expect_heading(french, "Send it once")


def test_both_languages_have_the_same_texts(tabs: Tabs) -> None:
    page = tabs.open()
    english, spanish = (
        page.evaluate(f"import('/-/texts/{code}.js').then((module) => module.default)") for code in ("en", "es")
    )
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        forms = [(text, spanish[key])] if isinstance(text, str) else [(text[form], spanish[key][form]) for form in text]
        for one, other in forms:
            assert set(re.findall(r"{\w+}", one)) == set(re.findall(r"{\w+}", other)), key
    folder = ROOT / "crypt_api/static/-"
    sources = [*folder.glob("*.js"), ROOT / "src/crypt_core/templates/index.html"]
    page_source = "".join(path.read_text() for path in sources)
    computed = ("gone.", "strength.", "sent.read", "sent.destroyed")
    unused = [key for key in english if f'"{key}"' not in page_source and not key.startswith(computed)]
    assert unused == []
