"""The page's languages: which one a reader gets, and how it changes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import create, expect_heading, settle, show_options, wait_until
from tests.support.platforms import Platform


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


def test_the_page_is_in_the_readers_language(tabs: Tabs) -> None:
    page = tabs.open(locale="es-MX")
    expect_heading(page, "Envía un secreto, una sola vez")
    assert page.evaluate("document.documentElement.lang") == "es"
    page.fill("#text", "secreto")
    show_options(page)
    page.fill("#reads", "0")
    page.click("#create")
    expect(page.locator("#reads-problem")).to_have_text("Elige un número del 1 al 100.")
    page.select_option("#language", label="English")
    expect(page.locator("#reads-problem")).to_have_text("Choose a number from 1 to 100.")
    assert page.input_value("#text") == "secreto"
    page.fill("#reads", "2")
    link = create(page)
    expect(page.locator("#sent-lede")).to_have_text(re.compile("It opens for 2 people"))
    page.select_option("#language", label="Español")
    expect(page.locator("#sent-lede")).to_have_text(re.compile("Se abre para 2 personas"))
    expect(page).to_have_title("Tu enlace está listo · crypt")
    expect(page.locator("#until")).to_have_text(re.compile(r"^Caduca mañana a las \d+:\d\d"))
    mexican = tabs.open(link, locale="es-MX")
    expect(mexican.locator("#read-lede")).to_have_text(re.compile(r"mañana a las \d+:\d\d\s[ap][.]\s?m[.]$"))
    page.goto(link)
    expect_heading(page, re.compile("han enviado un mensaje sellado$"))  # the browser stores the reader's choice
    expect_heading(tabs.open(locale="pt-PT"), "Envie um segredo, uma única vez")
    expect_heading(tabs.open(locale="sv-SE"), "Send a secret, once")  # there is no Swedish
    arabic = tabs.open(link, locale="ar")
    expect_heading(arabic, "رسالة مختومة لك")
    assert arabic.evaluate("document.documentElement.dir") == "rtl"
    arabic.click("#see-receipt")
    assert arabic.locator("#link").evaluate("(link) => getComputedStyle(link).direction") == "ltr"


def test_a_language_that_cannot_be_loaded_changes_nothing(tabs: Tabs) -> None:
    page = tabs.open(locale="en-GB")
    expect_heading(page, "Send a secret, once")
    page.route("**/texts/es.json", lambda route: route.abort())
    page.select_option("#language", label="Español")
    expect(page.locator("#language")).to_have_value("en")
    expect_heading(page, "Send a secret, once")
    page.evaluate("localStorage.setItem('language', 'es')")
    page.reload()
    expect_heading(page, "Send a secret, once")


def test_the_language_that_was_chosen_last_wins(tabs: Tabs) -> None:
    page = tabs.open()
    expect_heading(page, "Send a secret, once")
    delayed: list[Route] = []
    page.route("**/texts/es.json", lambda route: delayed.append(route))  # noqa: PLW0108
    page.select_option("#language", label="Español")
    page.select_option("#language", label="English")
    wait_until(page, lambda: bool(delayed))
    with page.expect_response("**/texts/es.json"):
        delayed[0].fallback()
    settle(page)
    expect_heading(page, "Send a secret, once")
    expect(page.locator("#language")).to_have_value("en")
