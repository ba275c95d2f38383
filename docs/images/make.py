"""Takes the README's pictures of the page: `.venv/bin/python -m docs.images.make`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from tests.support import platforms
from tests.support.chromium import chromium
from tests.support.page import write
from tests.support.platforms import Platform

FOLDER = Path(__file__).parent
ORIGIN = "https://crypt.example"
MESSAGE = "The database's new password is\n\n    otter-cobalt-ferry-51\n\nPlease change it after the first login."


def open_page(browser: Browser, platform: Platform, url: str, scheme: str) -> Page:
    """Open a page of the platform under an address that suits a picture."""
    settings = {"viewport": {"width": 780, "height": 640}, "color_scheme": scheme, "locale": "en-GB"}
    page = browser.new_context(**settings, device_scale_factor=2).new_page()  # type: ignore[arg-type]

    def relay(route: Route) -> None:
        headers = {**route.request.all_headers(), platform.address_header: platform.next_address()}
        route.fulfill(response=route.fetch(url=route.request.url.replace(ORIGIN, platform.url), headers=headers))

    page.route(f"{ORIGIN}/**", relay)
    page.goto(url)
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, platforms.server(Path(folder)) as platform, chromium() as browser:
        page = open_page(browser, platform, ORIGIN, "light")
        page.fill("#text", MESSAGE)
        page.screenshot(path=FOLDER / "write.png")
        page = open_page(browser, platform, ORIGIN, "dark")
        write(page, MESSAGE)
        expect(page.locator("#qr canvas")).to_be_visible()
        page.screenshot(path=FOLDER / "sent.png")


if __name__ == "__main__":
    main()
