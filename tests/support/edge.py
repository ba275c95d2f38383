"""The server on either event loop, uvloop or asyncio's own: as a process, and as an object within a test's loop."""

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import uvloop

from crypt_api.server.edge.connection import Handle
from crypt_api.server.edge.limits import Limits
from crypt_api.server.edge.listening import listen
from crypt_api.server.edge.server import Server
from crypt_api.server.trusted_proxies import TrustedProxies
from crypt_core.http.types import Request, Response
from tests.support.platforms import Process, start_server

EVENT_LOOPS = ("uvloop", "asyncio")

Run = Callable[[Coroutine[Any, Any, None]], None]

_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from crypt_api.__main__ import main; main()"


def start_on(event_loop: str, *flags: str) -> Process:
    """Start the server as a process."""
    if event_loop == "uvloop":
        return start_server(*flags)
    return Process([sys.executable, "-c", _WITHOUT_UVLOOP, "serve", "--port=0", *flags])


def run_on(event_loop: str, coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine. Nothing may be told to the loop's handler of exceptions."""

    async def watched() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        await coroutine
        assert told == []

    new_event_loop = uvloop.new_event_loop if event_loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(watched())


class Edge(Server):
    """A server that knows its address."""

    def start(self, listener: socket.socket) -> None:
        self.address = listener.getsockname()
        super().start(listener)


@dataclass
class Handler:
    """Answers when it is told to."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    reads_body: bool = False
    is_cancelled: bool = False
    response: Response = field(default_factory=lambda: Response(200, b"answer"))

    async def __call__(self, request: Request) -> Response:
        self.started.set()
        if self.reads_body:
            async for _ in request.body:
                pass
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return self.response


@asynccontextmanager
async def serving(handle: Handle, limits: Limits | None = None, proxies: str = "") -> AsyncIterator[Edge]:
    """A server that is stopped at the end, unless it is already."""
    edge = Edge(handle, limits or Limits(), TrustedProxies.parse(proxies))
    edge.start(listen("127.0.0.1", 0))
    try:
        yield edge
    except BaseException:  # a test that fails does not wait for its handlers
        for connection in list(edge.connections):
            connection.drop()
        raise
    finally:
        if not edge.is_stopping:
            await edge.stop()


class Client:
    """A bare connection."""

    def __init__(self, edge: Edge, source: str = "127.0.0.1") -> None:
        self._address = edge.address
        self._source = source
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        self.socket = socket.socket()
        self.socket.setblocking(False)  # noqa: FBT003
        self.socket.bind((self._source, 0))
        await self._loop.sock_connect(self.socket, self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.socket, data)

    async def receive(self) -> bytes:
        return await asyncio.wait_for(self._loop.sock_recv(self.socket, 65_536), 10)

    async def receive_all(self) -> bytes:
        """What comes until the server ends the connection in order."""
        return b"".join([chunk async for chunk in self._chunks()])

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := await self.receive():
            yield chunk

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is the server's
            await asyncio.sleep(0.005)
