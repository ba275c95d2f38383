"""The page's scripts, style and icon on a server. In the Worker, the platform serves the same folder by itself."""

from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable

from crypt_core.app import Handler
from crypt_core.http import Request, Response

_MEDIA_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def static_files() -> dict[str, Handler]:
    """A handler for each file in `web/`, by the path that it has there."""
    return {path: partial(_answer, file) for path, file in _walk(files("crypt_api") / "web", "")}


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Response]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{path}/{entry.name}")
        elif (media_type := _MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None:
            yield f"{path}/{entry.name}", Response(200, entry.read_bytes(), {"Content-Type": media_type})


async def _answer(response: Response, _: Request) -> Response:
    return response
