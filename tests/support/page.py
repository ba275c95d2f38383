"""What people do on the web page, and what tests do to its requests."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.support.chromium import PATIENCE

MESSAGE = "pass & <b>word</b> žluťoučký 🐎\n  second line"
FILE: FilePayload = {"name": "keys ключ.bin", "mimeType": "application/x-keys", "buffer": bytes(range(256)) * 30}
QUESTION_MODULES = {
    f"{name}.js"
    for name in (
        "answer-view",
        "answered-view",
        "ask-keys",
        "ask-requests",
        "ask-view",
        "asked-view",
        "hpke",
        "kept-links",
        "question",
    )
}
"""What questions and answers need, and nothing else."""
LATER_MODULES = QUESTION_MODULES | {
    f"{name}.js"
    for name in ("download", "part-requests", "parts", "progress", "received-files", "saving", "sending-view", "upload")
}
"""What the first view does not need: files that are sent and fetched in parts, and questions."""
CLOCK = r"today at \d\d:\d\d"
SEALED_PATH = re.compile(r"/[\w-]{22}(/status)?$")


def write(page: Page, text: str = MESSAGE, *, passphrase: str = "", reads: int = 1) -> str:
    """Fill in the form and send it; return the link."""
    page.fill("#text", text)
    if reads != 1 or passphrase:
        show_options(page)
        page.fill("#reads", str(reads))
        page.fill("#new-passphrase", passphrase)
    return create(page)


def show_options(page: Page) -> None:
    """Unfold the options of a new message."""
    if page.locator("#more:not([open])").count():
        page.click("#more summary")


def create(page: Page) -> str:
    """Send the form as it is; return the link."""
    page.click("#create")
    expect(page.locator("#sent")).to_be_visible()
    return page.input_value("#link")


def write_request(page: Page) -> Any:
    """Write a message and send it; return the JSON that the page asked the service to store."""
    with page.expect_request(lambda request: request.method == "PUT") as request:
        write(page, "another")
    return request.value.post_data_json


def reveal(page: Page) -> None:
    page.click("#reveal")
    expect(page.locator("#message")).to_be_visible()


def copy(page: Page, button: str) -> None:
    """Press a button that copies, and wait until it says that it has: it does so for two seconds only."""
    said = page.evaluate_handle(
        """(selector) => {
          const said = {};
          const button = document.querySelector(selector);
          new MutationObserver(() => { said.text ??= button.textContent; }).observe(button, { childList: true });
          return said;
        }""",
        button,
    )
    page.click(button)
    page.wait_for_function("(said) => said.text", arg=said)
    assert said.get_property("text").json_value() == "Copied"


def follow(page: Page, link: str) -> None:
    """Go to a link in the same tab, as pasting the link into the address bar does."""
    page.evaluate("link => { location.href = link; }", link)


def expect_heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


class Delayed:
    """The page's requests of one method for a sealed message, until they are released."""

    def __init__(self, page: Page, method: str, path: str = "") -> None:
        self._page, self._method, self._path = page, method, path
        self._requests: list[Route] = []
        self._is_over = False
        page.route(SEALED_PATH, self._keep)

    def _keep(self, route: Route) -> None:
        if not self._is_over and route.request.method == self._method and route.request.url.endswith(self._path):
            self._requests.append(route)
        else:
            route.fallback()

    def wait(self) -> None:
        """Wait until the page has sent one."""
        wait_until(self._page, lambda: bool(self._requests))

    def release(self) -> None:
        """Let them go on to the service, or to nobody if the page is offline by now."""
        self.wait()
        self._is_over = True  # the route stays: without any, Chromium itself lets its requests go on
        for route in self._requests:
            route.fallback()
            route.request.response()  # waits for it
        settle(self._page)


def settle(page: Page) -> None:
    """Give the page time to react to a response."""
    page.wait_for_function("new Promise((resolve) => setTimeout(() => resolve(true), 200))")


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(PATIENCE // 20):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("the condition never became true")
