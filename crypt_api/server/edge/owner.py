"""The server, as a connection sees it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from crypt_api.server.edge.turns import Turns
from crypt_core.http.types import Request, Response

if TYPE_CHECKING:
    from crypt_api.server.edge.connection import Connection

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers a request, whose client is the peer of the connection."""


class Owner(Protocol):
    """What a connection needs, and what it tells.

    Attributes:
        idle_timeout: Seconds.
        read_buffer: Where the bytes arrive that are read.
        turns: Whose turn it is.
    """

    handle: Handle
    idle_timeout: float
    is_stopping: bool
    read_buffer: memoryview
    turns: Turns

    def opened(self, connection: Connection) -> bool:
        """Count a new connection; False if there is no room for it."""
        ...

    def closed(self, connection: Connection) -> None:
        """Count it no longer."""
        ...

    def body_grew(self, size: int) -> None:
        """Count memory of a body in bytes; negative ones when the body is done with. It may drop connections."""
        ...
