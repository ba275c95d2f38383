"""From a path to its route and its parameters."""

import pytest

from crypt_core.http.routing import Match, Route, Router
from crypt_core.http.types import Request, Response
from crypt_core.store import Store

SEALED_ID = "A" * 22


async def handler(_request: Request, _store: Store) -> Response:
    return Response(204)


ROUTES = {
    pattern: Route(pattern, unlimited={"HEAD": handler}, limited={"GET": handler, "PUT": handler})
    for pattern in ("/", "/{id}", "/{sealed_id}", "/{id}/status", "/-/health")
}
ROUTER = Router(ROUTES.values())


@pytest.mark.parametrize(
    ("path", "pattern", "parameters"),
    [
        ("/", "/", ()),
        ("/-/health", "/-/health", ()),
        ("/abc12", "/{id}", ("abc12",)),
        ("/not an id", "/{id}", ("not an id",)),
        ("/-", "/{id}", ("-",)),
        (f"/{SEALED_ID}", "/{sealed_id}", (SEALED_ID,)),
        ("/" + "A" * 21 + "B", "/{id}", ("A" * 21 + "B",)),  # stray bits: no client derives such an id
        (f"/{SEALED_ID}/status", "/{id}/status", (SEALED_ID,)),
        ("/abc12/status", "/{id}/status", ("abc12",)),
        ("/{id}", "/{id}", ("{id}",)),  # written like a pattern, and an id all the same
        ("/{id}/status", "/{id}/status", ("{id}",)),
        ("abc12", "/{id}", ("abc12",)),  # `*` and what else is no path: the handler refuses it
    ],
)
def test_a_path_has_a_route(path: str, pattern: str, parameters: tuple[str, ...]) -> None:
    assert ROUTER.match(path) == Match(ROUTES[pattern], parameters)


@pytest.mark.parametrize(
    "path", ["/abc12/", "/abc12/other", "/abc12/status/", "/abc12/status/x", "//status/x", "/-/", "/-/other", "/a/b/c"]
)
def test_another_path_has_none(path: str) -> None:
    assert ROUTER.match(path) is None


def test_a_route_allows_its_methods_and_options() -> None:
    assert ROUTES["/"].methods == ("HEAD", "GET", "PUT", "OPTIONS")
