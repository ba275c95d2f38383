"""Check that each link of a built site leads somewhere: `tools/site_links.py FOLDER`. Other sites are not asked."""

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
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places |= {value for name in ("id", "name") if (value := values.get(name))}
        link = values.get("href" if tag in ("a", "link") else "src")
        if link and tag in ("a", "link", "script", "img"):
            self.links.append(link)


def dead_links(folder: Path) -> list[str]:
    """Each link to a file, or to a place in a page, that is not there."""
    pages = {path: Page(path.read_text()) for path in sorted(folder.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        here = ROOT + path.relative_to(folder).as_posix()
        for link in page.links:
            target = urlsplit(urljoin(here, link))
            if target.scheme or target.netloc or path.name == "404.html":
                continue
            file = folder / unquote(target.path).removeprefix(ROOT)
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (file in pages and unquote(target.fragment) not in pages[file].places):
                dead.append(f"{here}: {link}")
    return dead


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1]))
    print(*found, sep="\n")
    sys.exit(bool(found))
