"""The page's scripts, style and icon on a server. In the Worker, the platform itself serves the same folder."""

from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable

from crypt_core.http.routing import Route
from crypt_core.http.types import Request, Response
from crypt_core.store import Store

_MEDIA_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def static_routes() -> Iterator[Route]:
    """A route for each file in `static/`, with the path that the file has there."""
    for path, response in _walk(files("crypt_api") / "static", ""):
        handler = partial(_answer, response)
        yield Route(path, unlimited={"GET": handler, "HEAD": handler})


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Response]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{path}/{entry.name}")
        elif (media_type := _MEDIA_TYPES.get(entry.name.rpartition(".")[2])) is not None:
            yield f"{path}/{entry.name}", Response(200, entry.read_bytes(), {"Content-Type": media_type})


async def _answer(response: Response, _request: Request, _store: Store) -> Response:
    return response
