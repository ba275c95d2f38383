"""Check a built site: `tools/site_links.py FOLDER`.

Each link within it leads somewhere, and a page loads nothing from other sites. Links to those are not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

ROOT = "/"


class Page(HTMLParser):
    """The links of a page, and the places in it that links can name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.foreign: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places |= {value for name in ("id", "name") if (value := values.get(name))}
        link = values.get("href" if tag in ("a", "link") else "src")
        if link and tag in ("a", "link", "script", "img"):
            self.links.append(link)
            if tag != "a" and urlsplit(link).netloc and values.get("rel") not in ("canonical", "license"):
                self.foreign.append(link)


def problems(folder: Path) -> list[str]:
    """Each link to a file or to a place in a page that is not there, and each file that comes from another site."""
    pages = {path: Page(path.read_text()) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = ROOT + path.relative_to(folder).as_posix()
        found += [f"{here}: {address} is another site's" for address in page.foreign]
        for link in page.links:
            target = urlsplit(urljoin(here, link))
            if target.scheme or target.netloc or path.name == "404.html":
                continue
            file = folder / unquote(target.path).removeprefix(ROOT)
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (file in pages and unquote(target.fragment) not in pages[file].places):
                found.append(f"{here}: {link}")
    return found


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]))
    print(*found, sep="\n")
    sys.exit(bool(found))
