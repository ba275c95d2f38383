"""The page's scripts, style and icon on a server. In the Worker, the platform itself serves the same folder."""

from collections.abc import Iterator
from functools import partial

from crypt_api.page_files import page_files
from crypt_core.http.routing import Route
from crypt_core.http.types import Request, Response
from crypt_core.store import Store


def static_routes() -> Iterator[Route]:
    """A route for each file that the page loads."""
    for file in page_files():
        handler = partial(_answer, Response(200, file.content, {"Content-Type": file.media_type}))
        yield Route(file.path, unlimited={"GET": handler, "HEAD": handler})


async def _answer(response: Response, _request: Request, _store: Store) -> Response:
    return response
