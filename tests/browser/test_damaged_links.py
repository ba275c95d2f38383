"""Links that were damaged on their way, in real Chromium: what is left of them opens the message."""

import json

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, expect_heading, reveal, write
from tests.support.plain import create_path
from tests.support.platforms import ROOT

LINKS = json.loads((ROOT / "vectors/links.json").read_text())


def test_the_page_takes_what_the_python_client_takes(tabs: Tabs) -> None:
    page = tabs.open()
    links = [case["link"] for case in LINKS["good"] + LINKS["bad"]]
    found = page.evaluate(
        "async (all) => { const m = await import('/-/links.js'); return all.map(m.secretIn); }", links
    )
    expected = [case.get("secret") for case in LINKS["good"] + LINKS["bad"]]
    assert dict(zip(links, found, strict=True)) == dict(zip(links, expected, strict=True))


def test_a_damaged_link_opens_the_message(tabs: Tabs) -> None:
    origin, _, secret = write(tabs.open()).partition("/#")
    reader = tabs.new()
    for damage in ("/#{}%3E", "/?fbclid=x#{}.", "/#{}&utm_medium=x", "/{}", "/%2523{}?utm_source=mail", "/%23{}"):
        reader.goto("about:blank")  # another fragment alone would load nothing
        reader.goto(origin + damage.format(secret))
        expect_heading(reader, "Someone sent you a sealed message")
        assert reader.url == f"{origin}/#{secret}"  # at once
    reveal(reader)
    assert reader.text_content("#content") == MESSAGE
    assert secret not in tabs.platform.process.output


def test_a_damaged_plain_link_opens_the_message(tabs: Tabs, client: httpx.Client) -> None:
    path, page = create_path(client, "secret"), tabs.new()
    for damage in (")", "%20", "&utm_source=mail", "?fbclid=x", "."):
        page.goto(tabs.platform.url + path + damage)
        expect_heading(page, "Someone sent you a message")
    page.click("#reveal")
    expect(page.locator("#message")).to_have_text("secret")


def test_a_page_that_is_not_there_looks_like_a_page(tabs: Tabs) -> None:
    page = tabs.open(tabs.platform.url + "/a/b", locale="es-ES")
    expect_heading(page, "Aquí no hay ninguna página")


@pytest.mark.parametrize(
    ("rest", "heading"),
    [
        ("?utm_source=x", "Send a secret, once"),
        ("?", "Send a secret, once"),
        ("?utm_source=x&a=100%25", "Send a secret, once"),
        ("?q=C%23&tag=%23", "Send a secret, once"),
        ("?utm_source=x#", "This link is incomplete"),
        ("?utm_source=x#q83v", "This link is incomplete"),
        ("?%23q83v", "This link is incomplete"),
        ("?x=%2523q83v", "This link is incomplete"),
        ("?url=https%3A%2F%2Fexample.org%2F%23", "This link is incomplete"),
        ("%23q83v", "This link is incomplete"),
    ],
)
def test_a_query_alone_is_no_damaged_link(server_tabs: Tabs, rest: str, heading: str) -> None:
    """Whoever follows an advertisement or a bookmark with a query comes to write."""
    expect_heading(server_tabs.open(f"{server_tabs.platform.url}/{rest}"), heading)
