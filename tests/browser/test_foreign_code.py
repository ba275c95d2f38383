"""Code that is not the page's own: style sheets that read what the page draws, and service workers."""

from playwright.sync_api import Page, expect

from tests.browser.test_read_view import PNG
from tests.support.chromium import Tabs
from tests.support.page import create, expect_heading, reveal, show_options, write
from tests.support.plain import create as create_plain

ATTRIBUTES = """() => [...document.querySelectorAll("*")].flatMap((element) =>
  [...element.attributes].map(({ value }) => value))"""
"""All that a style sheet can read."""


def expect_hidden_from_styles(page: Page, *secrets: str) -> None:
    values = page.evaluate(ATTRIBUTES)
    assert len(values) > 50
    assert [value for value in values if any(secret in value for secret in secrets)] == []


def test_no_style_sheet_can_read_what_the_page_shows(server_tabs: Tabs) -> None:
    sender = server_tabs.open()
    address = "https://example.org/reset?token=5up3r"
    sender.fill("#text", f"see {address}")
    show_options(sender)
    sender.fill("#new-passphrase", "correct horse")
    sender.set_input_files("#file", {"name": "payslip.png", "mimeType": "image/png", "buffer": PNG})
    expect(sender.locator("#attached")).to_be_visible()
    secrets = [address, "5up3r", "correct horse", "payslip"]
    expect_hidden_from_styles(sender, *secrets)
    link = create(sender)
    secrets += [link.partition("#")[2]]
    expect_hidden_from_styles(sender, *secrets)
    reader = server_tabs.open(link)
    reader.fill("#passphrase", "correct horse")
    expect_hidden_from_styles(reader, *secrets)
    reveal(reader)
    expect(reader.get_by_role("link", name=address)).to_be_visible()
    expect(reader.get_by_role("img", name="The image payslip.png")).to_be_visible()
    expect_hidden_from_styles(reader, *secrets)


def test_the_qr_code_is_painted(server_tabs: Tabs) -> None:
    """Its shapes are in no attribute, and no element stands for a module."""
    page = server_tabs.open(viewport={"width": 800, "height": 800})  # a phone folds the code
    write(page)
    code = page.get_by_role("img", name="The link as a QR code")
    assert code.evaluate("(code) => code.tagName") == "CANVAS"
    assert page.evaluate("document.querySelectorAll('#qr *').length") == 1
    first = page.evaluate(ATTRIBUTES)
    page.click("#another")
    write(page, "another")
    assert page.evaluate(ATTRIBUTES) == first


def register_worker(page: Page) -> None:
    """As a page of the origin without a policy of its own could; one of the service's own scripts will do."""
    page.goto(page.url.partition("/#")[0].rstrip("/") + "/-/health")
    page.evaluate("navigator.serviceWorker.register('/-/storage.js', { type: 'module' }).then(() => true)")


def test_a_service_worker_is_told_and_removed_before_anything_is_opened(server_tabs: Tabs) -> None:
    link = write(server_tabs.open())
    page = server_tabs.open()
    register_worker(page)
    for address in (link, server_tabs.platform.url):
        page.goto("about:blank")
        page.goto(address)
        expect_heading(page, "Something is watching this page")
    page.goto("about:blank")
    page.goto(link)
    page.click("#remove-workers")
    expect_heading(page, "Someone sent you a sealed message")
    assert page.url == link
    reveal(page)


def test_the_reveal_page_tells_of_a_service_worker(server_tabs: Tabs) -> None:
    url = server_tabs.platform.url
    page = server_tabs.open()
    register_worker(page)
    page.goto(f"{url}/{create_plain(url, 'kept')}")
    expect_heading(page, "Something is watching this page")
    page.click("#remove-workers")
    expect_heading(page, "Someone sent you a message")
    page.click("#reveal")
    expect(page.locator("#message")).to_have_text("kept")
