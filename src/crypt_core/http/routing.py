"""From a path to its route. A route's pattern is also its name in logs and metrics: a path may contain an id."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from crypt_core import ids
from crypt_core.http.types import Response

Handler = Callable[..., Awaitable[Response]]
"""Takes the request, the store, and the segments of the path that are parameters of the pattern."""


@dataclass(frozen=True, slots=True)
class Route:
    """What may be asked of the paths that fit one pattern.

    Attributes:
        pattern: The path, with `{id}` for a plain message's id and `{sealed_id}` for a sealed message's id.
        unlimited: The handlers of the methods that the rate limit does not count.
        limited: The handlers of the methods that it counts.
    """

    pattern: str
    unlimited: Mapping[str, Handler] = field(default_factory=dict)
    limited: Mapping[str, Handler] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """All methods, in the order of the `Allow` header."""
        return (*self.unlimited, *self.limited, "OPTIONS")


class Match(NamedTuple):
    """A route, and the parameters that the path has for it."""

    route: Route
    parameters: tuple[str, ...] = ()


class Router:
    """All routes of an application.

    `{id}` takes any segment: the handler refuses what cannot be an id, as it refuses an unknown id.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {route.pattern: route for route in routes}

    def match(self, path: str) -> Match | None:
        """Find the route of `path`; None if the path fits no route."""
        route = self._routes.get(path)
        if route is not None and "{" not in path:  # a path may be written like a pattern, and is not one
            return Match(route)
        _, first, *rest = path.split("/") if "/" in path else ("", path)
        name = "{sealed_id}" if not rest and ids.is_sealed(first) else "{id}"
        route = self._routes.get("/".join(("", name, *rest)))
        return None if route is None else Match(route, (first,))
