"""The page's languages: which one a reader gets, and how it changes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import create, expect_heading, settle, wait_until
from tests.support.platforms import Platform


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


def test_the_page_is_in_the_readers_language(tabs: Tabs) -> None:
    page = tabs.open(locale="es-MX")
    expect_heading(page, "Envíalo una sola vez")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.fill("#text", "secreto")
    page.fill("#reads", "0")
    page.click("#create")
    expect(page.locator("#reads-problem")).to_have_text("De 1 a 100, por favor.")
    page.select_option("#language", label="English")
    expect(page.locator("#reads-problem")).to_have_text("From 1 to 100, please.")
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
    expect_heading(tabs.open(locale="pt-PT"), "Envie uma única vez")
    expect_heading(tabs.open(locale="sv-SE"), "Send it once")  # there is no Swedish
    arabic = tabs.open(link, locale="ar")
    expect_heading(arabic, "رسالة مختومة لك")
    assert arabic.evaluate("document.documentElement.dir") == "rtl"
    arabic.click("#see-receipt")
    assert arabic.locator("#link").evaluate("(link) => getComputedStyle(link).direction") == "ltr"


def test_a_language_that_cannot_be_loaded_changes_nothing(tabs: Tabs) -> None:
    page = tabs.open(locale="en-GB")
    expect_heading(page, "Send it once")
    page.route("**/texts/es.json", lambda route: route.abort())
    page.select_option("#language", label="Español")
    expect(page.locator("#language")).to_have_value("en")
    expect_heading(page, "Send it once")
    page.evaluate("localStorage.setItem('language', 'es')")
    page.reload()
    expect_heading(page, "Send it once")


def test_the_language_that_was_chosen_last_wins(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send it once")
    delayed: list[Route] = []
    page.route("**/texts/es.json", lambda route: delayed.append(route))  # noqa: PLW0108
    page.select_option("#language", label="Español")
    page.select_option("#language", label="English")
    wait_until(page, lambda: bool(delayed))
    with page.expect_response("**/texts/es.json"):
        delayed[0].fallback()
    settle(page)
    expect_heading(page, "Send it once")
    expect(page.locator("#language")).to_have_value("en")
