"""A real browser for tests."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.homes import NODE, ROOT


@contextmanager
def chromium() -> Iterator[Browser]:
    folder = ROOT / ".venv" / "chromium"
    folder.mkdir(exist_ok=True)
    path = subprocess.check_output(  # noqa: S603
        [str(NODE), "tools/browser/locate.mjs"], cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, text=True
    ).strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
