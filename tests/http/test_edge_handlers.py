"""Handlers that wait, fail or never end, and the end of the server: on uvloop, and on asyncio's own event loop."""

import asyncio
import gc
import socket
from contextlib import suppress
from typing import Any

import pytest

from crypt_core.http.types import Request, Response
from tests.support.edge import Client, Handler, Run, serving, until
from tests.support.sockets import GET, HOST, POST, statuses


def test_a_handler_is_cancelled_when_its_client_resets_the_connection(run: Run) -> None:
    async def scenario() -> None:
        handler = Handler()
        async with serving(handler) as server, Client(server) as client:
            await client.send(GET)
            await handler.started.wait()
            client.reset()
            await until(lambda: handler.is_cancelled)
            assert not server.connections

    run(scenario())


def test_a_handler_goes_on_when_its_client_has_finished_sending(run: Run) -> None:
    async def scenario() -> None:
        handler = Handler()
        async with serving(handler) as server, Client(server) as client:
            await client.send(GET)
            client.socket.shutdown(socket.SHUT_WR)
            await handler.started.wait()
            handler.release.set()
            assert (await client.receive_all()).endswith(b"answer")

    run(scenario())


@pytest.mark.parametrize(
    ("framing", "rest"), [(b"Content-Length: 5", b"a"), (b"Transfer-Encoding: chunked", b"no chunk\r\n")]
)
def test_a_handler_that_takes_no_body_is_answered_for_whatever_becomes_of_the_body(
    run: Run, framing: bytes, rest: bytes
) -> None:
    """It may have taken a message: neither a body that never comes nor a broken one is a reason to lose that."""

    async def scenario() -> None:
        handler = Handler()
        async with serving(handler) as server, Client(server) as client:
            await client.send(b"GET / HTTP/1.1\r\n" + HOST + framing + b"\r\n\r\n")
            await handler.started.wait()
            [connection] = server.connections
            await client.send(rest)
            client.socket.shutdown(socket.SHUT_WR)
            await until(lambda: connection._has_ended)  # noqa: SLF001
            handler.release.set()
            assert (await client.receive()).endswith(b"answer")

    run(scenario())


@pytest.mark.parametrize("error", [ValueError("a secret"), asyncio.CancelledError()])
def test_a_handler_that_raises_is_answered_for(run: Run, error: BaseException) -> None:
    async def handle(_: Request) -> Response:
        await asyncio.sleep(0)
        raise error

    async def scenario() -> None:
        async with serving(handle) as server, Client(server) as client:
            await client.send(GET)
            answer = await client.receive()
            assert statuses(answer) == [500]
            assert b"secret" not in answer
            await client.send(GET)
            assert statuses(await client.receive()) == [500]

    run(scenario())


def test_a_handler_that_fails_after_its_client_has_left_tells_nobody(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the answer, and the text of the error may quote a message."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(_: Request) -> Response:
        started.set()
        try:
            await asyncio.sleep(10)
        finally:
            cancelled.set()
            raise ValueError("a secret")

    async def scenario() -> None:
        async with serving(handle) as server, Client(server) as client:
            await client.send(GET)
            await started.wait()
            client.reset()
            await cancelled.wait()
            await asyncio.sleep(0)

    run(scenario())
    gc.collect()
    assert caplog.text == ""


def test_a_handler_can_use_deadlines(run: Run) -> None:
    async def handle(_: Request) -> Response:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        return Response(200, b"in time")

    async def scenario() -> None:
        async with serving(handle) as server, Client(server) as client:
            await client.send(GET)
            assert (await client.receive()).endswith(b"in time")

    run(scenario())


@pytest.mark.parametrize("is_late", [False, True])
def test_a_response_that_cannot_be_written_leaves_no_connection_behind(is_late: bool) -> None:  # noqa: FBT001
    """It is a bug, so the loop is told about it."""
    told: list[dict[str, Any]] = []

    async def handle(_: Request) -> Response:
        if is_late:
            await asyncio.sleep(0)
        return Response(200, headers={"A": "\u20ac"})

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with serving(handle) as server, Client(server) as client:
            await client.send(GET)
            with suppress(ConnectionResetError):
                assert await client.receive() == b""
            await until(lambda: not server.connections)

    asyncio.run(scenario())
    assert [type(context["exception"]) for context in told] == [UnicodeEncodeError]


def test_the_body_waits_for_its_handler(run: Run) -> None:
    """What the handler does not take is not received: a slow store does not fill the memory."""

    async def scenario() -> None:
        handler = Handler()
        async with serving(handler) as server, Client(server) as client:
            await client.send(POST + b"Content-Length: 50000000\r\n\r\n")
            await handler.started.wait()
            [connection] = server.connections
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await client.send(b"x" * 50_000_000)
            assert connection.body_memory < 300_000
            handler.release.set()
            assert b"connection: close" in await client.receive()

    run(scenario())


def test_requests_wait_at_the_client_while_one_is_answered(run: Run) -> None:
    """What nobody has looked at is not received: pipelined requests do not fill the memory."""

    async def scenario() -> None:
        handler = Handler()
        async with serving(handler) as server, Client(server) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await client.send(GET * 100_000)
            client.reset()
            handler.release.set()

    run(scenario())


def test_a_handler_gets_the_whole_of_a_large_body(run: Run) -> None:
    async def handle(request: Request) -> Response:
        size = 0
        async for chunk in request.body:
            await asyncio.sleep(0)
            size += len(chunk)
        return Response(200, b"%d" % size)

    async def scenario() -> None:
        async with serving(handle) as server:
            for framing in (b"Content-Length: 5000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n4c4b40\r\n"):
                async with Client(server) as client:
                    await client.send(POST + framing + b"x" * 5_000_000)
                    if b"chunked" in framing:
                        await client.send(b"\r\n0\r\n\r\n")
                    client.socket.shutdown(socket.SHUT_WR)
                    assert (await client.receive_all()).endswith(b"5000000")

    run(scenario())


SLOW = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
SENT = {
    "silent": b"",
    "idle": GET,
    "half a head": GET[:10],
    "body": POST + b"Content-Length: 6\r\n\r\nabc",
    "answer": SLOW,
    "large": SLOW.replace(b"slow", b"large"),
    "pipelined": SLOW + GET * 3,
}


def test_what_a_server_does_when_it_stops_in_the_middle_of_everything(run: Run) -> None:
    begun: list[str] = []
    is_stopping = asyncio.Event()

    async def handle(request: Request) -> Response:
        begun.append(request.path)
        body = b"".join([chunk async for chunk in request.body])
        if request.path == "/slow":
            await is_stopping.wait()
        return Response(200, body or b"x" * (3_000_000 if request.path == "/large" else 10))

    async def scenario() -> None:
        async with serving(handle) as server:
            clients = {name: await Client(server).__aenter__() for name in SENT}
            for name, client in clients.items():
                await client.send(SENT[name])
            await clients["idle"].receive()
            await until(lambda: sorted(begun) == ["/", "/-/health", "/large", "/slow", "/slow"])
            stopping = asyncio.create_task(server.stop())
            await until(lambda: server.is_stopping)
            is_stopping.set()
            await clients["body"].send(b"def")
            answers = {}
            for name, client in clients.items():
                answers[name] = await client.receive_all()
                client.socket.close()
            await asyncio.wait_for(stopping, 5)
        assert answers["silent"] == answers["idle"] == answers["half a head"] == b""
        assert answers["body"].endswith(b"abcdef")
        assert statuses(answers["answer"]) == statuses(answers["pipelined"]) == [200]
        assert answers["large"].endswith(b"x" * 3_000_000)
        assert all(b"connection: close" in answers[name] for name in ("body", "answer", "pipelined"))

    run(scenario())


def test_a_server_does_not_wait_for_a_body_that_nobody_wants(run: Run) -> None:
    async def handle(_: Request) -> Response:
        return Response(200)

    async def scenario() -> None:
        async with serving(handle) as server:
            async with Client(server) as client:
                await client.send(POST + b"Content-Length: 1000\r\n\r\n")
                assert statuses(await client.receive()) == [200]
                stopping = asyncio.create_task(server.stop())
                assert await client.receive() == b""
            await asyncio.wait_for(stopping, 5)

    run(scenario())
