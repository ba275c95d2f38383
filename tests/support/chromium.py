"""A real browser for tests."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.support.platforms import NODE, ROOT, Platform

PATIENCE = 60_000
"""Milliseconds until something that never happens fails a test. The page itself may look for news 30 seconds late."""

expect.set_options(timeout=PATIENCE)


def zone_of_noon() -> str:
    """A time zone in which it is about noon, so that no test sees a day end: "today" would become "yesterday"."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # whose signs are the wrong way round


@contextmanager
def chromium() -> Iterator[Browser]:
    folder = ROOT / ".venv" / "chromium"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes that unpack it at once would start half a browser
        path = subprocess.check_output(  # noqa: S603
            [str(NODE), "tools/browser/locate.mjs"], cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, text=True
        ).strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tabs:
    """Opens pages of a platform, each in a browser context of its own, and records requests and console errors.

    Each context has an address of its own, as far as the platform can tell.
    """

    browser: Browser
    platform: Platform
    contexts: list[BrowserContext] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)

    def open(self, url: str = "", **settings: Any) -> Page:
        """Open a link, or the platform's own page; `settings` are those of a Playwright context."""
        page = self.new(**settings)
        page.goto(url or self.platform.url + "/")
        return page

    def new(self, **settings: Any) -> Page:
        address = {self.platform.address_header: self.platform.next_address()}
        defaults = {"viewport": {"width": 480, "height": 800}, "locale": "en-GB", "timezone_id": zone_of_noon()}
        settings = defaults | settings
        settings["extra_http_headers"] = settings.get("extra_http_headers", {}) | address
        context = self.browser.new_context(**settings)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("dialog", lambda dialog: dialog.accept())
        page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("console", self._record_console_error)
        return page

    def sent(self) -> bytes:
        """Everything that the browser has sent to a service."""
        return b"\n".join(
            f"{request.method} {request.url.partition('#')[0]} {request.all_headers()}".encode()
            + (request.post_data_buffer or b"")
            for request in self.requests
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """In every test, no script fails, no policy is violated, and no request goes to a third party."""
        self.close()
        if kind is None:
            assert self.console_errors == []
            own = (self.platform.url + "/", "blob:" + self.platform.url)
            assert [request.url for request in self.requests if not request.url.startswith(own)] == []

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _record_console_error(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.console_errors.append(message.text)
