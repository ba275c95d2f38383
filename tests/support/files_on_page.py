"""What people do with files on the web page, and what tests do to the requests for their parts."""

import hashlib
import random
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import show_options, wait_until
from tests.support.platforms import ROOT, Platform

MIB = 1_048_576
PARTS = "**/part"


class Files(NamedTuple):
    """Files on the disk, from where the browser itself reads them."""

    large: Path
    middle: Path
    small: Path


def make_files(folder: Path) -> Files:
    chosen = random.Random(22)
    files = Files(folder / "video.bin", folder / "photos ключ.zip", folder / "b.txt")
    for file, size in zip(files, (9_000_000, 2_500_000, 1_000), strict=True):
        file.write_bytes(chosen.randbytes(size))
    return files


class DirectTabs(Tabs):
    """Tabs whose requests do not pass through the test, which would take seconds for a large file."""

    def new(self, **settings: Any) -> Page:
        page = super().new(**settings)
        page.unroute_all()
        return page


def attach(page: Page, *files: Path) -> None:
    page.set_input_files("#file", list(files))
    expect(page.locator("#attached li")).to_have_count(len(files))


def send(page: Page, *files: Path, **options: str) -> str:
    """Send files; return the link."""
    attach(page, *files)
    if options:
        show_options(page)
    for selector, value in options.items():
        page.fill(f"#{selector.replace('_', '-')}", value)
    page.click("#create")
    expect(page.locator("#sent")).to_be_visible()
    return page.input_value("#link")


def save(page: Page, button: str = "#save") -> list[tuple[str, str]]:
    """Save; the names and digests of the files that the browser downloads until all are saved."""
    downloads: list[Any] = []
    page.on("download", lambda download: downloads.append(download))  # noqa: PLW0108
    page.click(button)
    expect(page.locator("#message-lede")).to_contain_text("All files are saved")
    wait_until(page, lambda: len(downloads) == page.locator("#content-files li").count())
    return sorted((each.suggested_filename, digest(each.path().read_bytes())) for each in downloads)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def expected(*files: Path) -> list[tuple[str, str]]:
    return sorted((file.name, digest(file.read_bytes())) for file in files)


def stored_parts(platform: Platform) -> set[Path]:
    """What lies on the disk. A test counts what came since it began: what an earlier one has read may go meanwhile."""
    return {path for path in platform.folder.glob("messages.db-files/*/*") if path.is_file()}


def cut_small(page: Page) -> None:
    """Send parts of 1 MiB: requests that a test takes pass through it, which is slow."""
    limits = {"max_bytes": 100_000_000, "part_bytes": MIB + 29, "extra_ttl": 14_400}
    page.route("**/-/limits", lambda route: route.fulfill(json={"files": limits}))


def send_small_parts(tabs: Tabs, *files: Path) -> str:
    sender = tabs.open()
    cut_small(sender)
    return send(sender, *files)


def hold(page: Page, method: str, after: int) -> list[Route]:
    """Let so many requests for parts pass, and hold the others."""
    held: list[Route] = []
    passed: list[Route] = []

    def take(route: Route) -> None:
        if route.request.method != method:
            return route.fallback()
        if len(passed) < after:
            passed.append(route)
            return route.fallback()
        held.append(route)
        return None

    page.route(PARTS, take)
    return held


def change_script(page: Page, name: str, changes: dict[str, str]) -> None:
    """Let the page have another number, say, in one of its scripts."""
    script = (ROOT / "crypt_api/static/-" / name).read_text()
    for old, new in changes.items():
        assert script.count(old) == 1
        script = script.replace(old, new)
    page.route(f"**/-/{name}", lambda route: route.fulfill(body=script, content_type="text/javascript"))
