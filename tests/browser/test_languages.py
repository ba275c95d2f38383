"""The page's languages: which one a reader gets, and how it changes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import create, expect_heading, settle, wait_until
from tests.support.platforms import ROOT, Platform


@pytest.fixture
def tabs(browser: Browser, server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, server) as tabs:
        yield tabs


def test_the_page_is_in_the_readers_language(tabs: Tabs) -> None:
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
    expect_heading(page, "Un mensaje sellado para ti")  # the browser stores the reader's choice
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


def test_a_language_that_cannot_be_loaded_changes_nothing(tabs: Tabs) -> None:
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


def test_the_language_that_was_chosen_last_wins(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send it once")
    delayed: list[Route] = []
    page.route("**/texts/es.js", lambda route: delayed.append(route))  # noqa: PLW0108
    page.select_option("#language", label="Español")
    page.select_option("#language", label="English")
    wait_until(page, lambda: bool(delayed))
    with page.expect_response("**/texts/es.js"):
        delayed[0].fallback()
    settle(page)
    expect_heading(page, "Send it once")
    expect(page.locator("#language")).to_have_value("en")
