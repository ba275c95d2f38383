"""What people do on the web page."""

from typing import Any

from playwright.sync_api import FilePayload, Page, expect

MESSAGE = "pass & <b>word</b> žluťoučký 🐎\n  second line"
FILE: FilePayload = {"name": "keys ключ.bin", "mimeType": "application/x-keys", "buffer": bytes(range(256)) * 30}
CLOCK = r"today at \d\d:\d\d"


def write(page: Page, text: str = MESSAGE, *, passphrase: str = "", reads: int = 1) -> str:
    """Fill in the form and send it; give the link."""
    page.fill("#text", text)
    page.fill("#reads", str(reads))
    page.fill("#new-passphrase", passphrase)
    return create(page)


def create(page: Page) -> str:
    page.click("#create")
    expect(page.locator("#sent")).to_be_visible()
    return page.input_value("#link")


def stored(page: Page) -> Any:
    """Write something; give what the service is asked to store."""
    with page.expect_request(lambda request: request.method == "PUT") as request:
        write(page, "another")
    return request.value.post_data_json


def reveal(page: Page) -> None:
    page.click("#reveal")
    expect(page.locator("#message")).to_be_visible()


def expect_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
