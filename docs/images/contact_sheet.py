"""Draws all views of the page into one picture, to be looked at: `.venv/bin/python -m docs.images.contact_sheet`.

The picture is `build/contact-sheet.png`.
A column is a screen, a colour scheme and a language; a row is a view. A red line is where the screen ends.
"""

import argparse
import base64
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from html import escape
from itertools import chain
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.test_accessibility import Views
from tests.support import platforms
from tests.support.chromium import Tabs, chromium
from tests.support.platforms import ROOT, Platform
from tests.support.questions_on_page import views as questions

PICTURE = ROOT / "build" / "contact-sheet.png"
PHONE, LAPTOP, DESKTOP = (390, 664), (1_366, 657), (1_920, 1_080)
COLUMNS = {
    "phone-light-en": (PHONE, "light", "en-GB"),
    "phone-dark-de": (PHONE, "dark", "de-DE"),
    "phone-light-ar": (PHONE, "light", "ar"),
    "laptop-light-en": (LAPTOP, "light", "en-GB"),
    "laptop-dark-ar": (LAPTOP, "dark", "ar"),
    "desktop-light-de": (DESKTOP, "light", "de-DE"),
}
STYLE = """
body { margin: 16px; background: #777; font: 14px sans-serif; color: #fff; width: max-content; }
th { padding: 4px; max-width: 110px; text-align: start; vertical-align: top; } td { padding: 4px; vertical-align: top; }
div { position: relative; } img { display: block; }
hr { position: absolute; left: 0; right: 0; margin: 0; border: 0; border-top: 1px solid red; }
"""


def photographs(browser: Browser, platform: Platform, column: str, views: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each view of a column, and its picture."""
    (width, height), scheme, language = COLUMNS[column]
    with Tabs(browser, platform) as tabs:
        settings = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "locale": language}
        all_views = chain(Views(tabs, reduced_motion="reduce", **settings).walk(), questions(tabs, **settings))
        for name, page in all_views:
            if not views or name in views:
                yield name, page.screenshot(full_page=True, type="jpeg", quality=85)


def cell(column: str, picture: bytes | None) -> str:
    if picture is None:
        return "<td></td>"
    (width, height), _, _ = COLUMNS[column]
    scale = 300 / width if (width, height) == PHONE else 520 / width
    encoded = base64.b64encode(picture).decode()
    line = f'<hr style="top: {height * scale}px">'
    return f'<td><div>{line}<img width="{width * scale}" src="data:image/jpeg;base64,{encoded}"></div></td>'


def draw(page: Page, columns: list[str], rows: dict[str, dict[str, bytes]], target: Path) -> None:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(cell(column, pictures.get(column)) for column in columns)}</tr>"
        for name, pictures in rows.items()
    )
    page.set_content(f"<style>{STYLE}</style><table><tr><th></th>{head}</tr>{body}</table>")
    target.parent.mkdir(exist_ok=True)
    page.screenshot(path=target, full_page=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--views", nargs="+", default=[], help="names of views; all without it")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    rows: dict[str, dict[str, bytes]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        platform = stack.enter_context(platforms.server(Path(folder), "--rate-limit-per-second=0"))
        browser = stack.enter_context(chromium())
        for column in options.columns:
            for name, picture in photographs(browser, platform, column, options.views):
                rows.setdefault(name, {})[column] = picture
        draw(browser.new_page(), options.columns, rows, options.output)


if __name__ == "__main__":
    main()
