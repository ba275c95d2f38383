"""The service as an ASGI application, for any ASGI server: `uvicorn --factory crypt_api.server.asgi:create_app`.

The caps and deadlines of the edge (`crypt_api.server.edge`) are not there: they are the ASGI server's business.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from crypt_api.server.application import Application, open_application
from crypt_core.http.errors import InvalidJson
from crypt_core.http.types import Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class AsgiApp:
    """Translates between ASGI and the application."""

    def __init__(self, application: Application) -> None:
        """The application's store is closed when the server shuts down."""
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise NotImplementedError(f"no {scope['type']} here")

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        peer = (scope.get("client") or ("",))[0]
        request = Request(
            scope["scheme"], scope["method"], _path(scope), _headers(scope["headers"]), client=peer, body=_body(receive)
        )
        response = await self._application.answer(self._application.proxies.resolve(request))
        raw_headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        if response.status != 204 and response.stream is None:  # noqa: PLR2004
            raw_headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": raw_headers})
        if response.stream is not None:
            async for piece in response.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._application.connect()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._application.finish()
                self._application.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _path(scope: Message) -> str:
    """The path as it was sent. Not every server gives it; the others give it without its percent-encoding."""
    raw_path: bytes | None = scope.get("raw_path")
    if raw_path is None:
        return quote(scope["path"], safe="/!$&'()*+,;=:@~")
    return raw_path.partition(b"?")[0].decode("latin-1")


def _headers(raw_headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name not in headers:
            headers[name] = value
        else:  # in HTTP/2, each cookie may come in a header of its own
            headers[name] += ("; " if name == "cookie" else ", ") + value
    return headers


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """The chunks of the body.

    Raises:
        InvalidJson: The client broke off its upload, so the body is not what the client meant to send.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidJson
        yield message.get("body", b"")
        more = message.get("more_body", False)


def create_app(environment: Mapping[str, str] = os.environ) -> AsgiApp:
    """Build the application from the environment; raises what `open_application` raises."""
    return AsgiApp(open_application(environment))
