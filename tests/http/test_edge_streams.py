"""Bodies in pieces at the edge, in and out: on uvloop, and on asyncio's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from crypt_api.server.edge.limits import MAX_WAITING_BYTES, READ_BUFFER_BYTES, Limits
from crypt_core.http.types import Request, Response
from crypt_core.parts import pieces_of
from tests.support.edge import Client, Edge, Run, serving, until
from tests.support.sockets import GET, HOST

PIECE = bytes(100_000)


class Download:
    """A body of ten pieces."""

    def __init__(self, length: int = 10 * len(PIECE), *, fails: bool = False) -> None:
        """`length` is announced; after its pieces, the body may raise an error."""
        self._length = length
        self._fails = fails
        self.taken = 0
        self.is_closed = False

    async def __call__(self, _: Request) -> Response:
        headers = {"Content-Length": str(self._length)}
        return Response(200, headers=headers, stream=self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(10):
                await asyncio.sleep(0)
                yield PIECE
                self.taken += 1
            if self._fails:
                raise OSError
        finally:
            self.is_closed = True


def test_a_body_in_pieces_arrives_and_the_connection_goes_on(run: Run) -> None:
    async def scenario() -> None:
        async with serving(Download()) as server, Client(server) as client:
            for _ in range(2):
                await client.send(GET)
                answer = b""
                while not answer.endswith(PIECE) or len(answer) < 10 * len(PIECE):
                    answer += await client.receive()
                head, _, body = answer.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK")
                assert head.lower().count(b"content-length: 1000000") == 1
                assert len(body) == 10 * len(PIECE)

    run(scenario())


def test_no_more_is_read_than_the_client_takes(run: Run) -> None:
    async def scenario() -> None:
        download = Download()
        async with serving(download) as server, Client(server) as client:
            await client.send(GET)
            await until(lambda: download.taken > 0)
            await asyncio.sleep(0.1)
            assert download.taken < 9  # the rest waits; the system's buffers have some pieces
            client.reset()
            await until(lambda: download.is_closed)

    run(scenario())


@pytest.mark.parametrize("fails", [False, True])
def test_a_body_that_ends_too_early_ends_the_connection(run: Run, *, fails: bool) -> None:
    async def scenario() -> None:
        download = Download(10 * len(PIECE) + 1, fails=fails)
        async with serving(download) as server, Client(server) as client:
            await client.send(GET)
            received = b""
            with suppress(ConnectionResetError):
                received = await client.receive_all()
            assert len(received) < 10 * len(PIECE) + 1 + len(received.partition(b"\r\n\r\n")[0]) + 4

    run(scenario())


def test_a_client_that_does_not_take_a_piece_is_dropped(run: Run) -> None:
    async def scenario() -> None:
        download = Download()
        async with serving(download, Limits(idle_timeout=0.2)) as server, Client(server) as client:
            await client.send(GET)
            await until(lambda: download.is_closed)
            await until(lambda: not server.connections)
            assert download.taken < 10

    run(scenario())


def test_what_a_handler_has_given_on_is_no_memory_of_the_body_any_more(run: Run) -> None:
    async def keep(request: Request) -> Response:
        received = sum([len(piece) async for piece in pieces_of(request.body)])
        return Response(200, str(received).encode())

    async def scenario() -> None:
        async with serving(keep) as server, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(server)) for _ in range(50)]
            for client in clients:
                await client.send(b"PUT /x/part HTTP/1.1\r\n" + HOST + b"Content-Length: 4000000\r\n\r\n")
            for _ in range(40):
                for client in clients:
                    await client.send(PIECE)
                assert memory(server) <= 50 * (MAX_WAITING_BYTES + 2 * READ_BUFFER_BYTES)
            for client in clients:
                assert (await client.receive()).endswith(b"\r\n\r\n4000000")
            assert memory(server) == 0

    run(scenario())


def memory(server: Edge) -> int:
    """Bytes of all bodies, as the edge counts them against its cap."""
    return server._body_memory  # noqa: SLF001
