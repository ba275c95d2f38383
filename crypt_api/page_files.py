"""The files that the page loads: the scripts, the style and the icon in `static/-`."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

_MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


class PageFile(NamedTuple):
    """One file.

    Attributes:
        path: Where a service has it, such as `/-/main.js`.
        media_type: Its `Content-Type`.
    """

    path: str
    media_type: str
    content: bytes


def page_files() -> Iterator[PageFile]:
    """All of them."""
    return _walk(files("crypt_api") / "static" / "-", "/-")


def _walk(folder: Traversable, path: str) -> Iterator[PageFile]:
    for entry in folder.iterdir():
        entry_path = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, entry_path)
        else:
            yield PageFile(entry_path, _MEDIA_TYPES[entry.name.rpartition(".")[2]], entry.read_bytes())
