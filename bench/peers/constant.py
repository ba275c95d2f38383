"""The least that a server in Python can do: uvicorn and httptools, one constant answer, no framework."""

from collections.abc import Awaitable, Callable
from typing import Any

BODY = b'{"message":"correct horse battery staple"}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}


async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:  # noqa: ARG001
    await send(START)
    await send({"type": "http.response.body", "body": BODY})
