"""Too many connections, too large or too late: which of them end. On uvloop, and on asyncio's own event loop."""

import asyncio
import itertools
import socket
import time
from contextlib import AsyncExitStack, suppress

import pytest

from crypt_api.server.edge import server as server_module
from crypt_api.server.edge.limits import SOCKET_BUFFER_BYTES, Limits
from crypt_core.http.types import Request, Response
from tests.support.edge import Client, Handler, Run, serving, until
from tests.support.sockets import GET, POST, statuses


def test_small_pieces_of_a_body_are_counted_by_what_they_cost(run: Run) -> None:
    async def scenario() -> None:
        handler = Handler(reads_body=True)
        async with serving(handler) as server, Client(server) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await client.send(POST + b"Content-Length: 1000\r\n\r\n")
            await handler.started.wait()
            [connection] = server.connections
            for _ in range(10):
                before = connection.body_memory
                await client.send(b"xy")
                await until(lambda before=before: connection.body_memory > before)  # type: ignore[misc]
            assert connection.body_memory >= 10 * 58
            client.reset()

    run(scenario())


def test_too_many_bodies_cost_the_client_that_has_the_most(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_BODY_MEMORY", 1_000_000)

    async def handle(request: Request) -> Response:
        async for _ in request.body:
            pass
        return Response(200)

    async def scenario() -> None:
        async with serving(handle) as server, Client(server, source="127.0.0.2") as honest:
            await honest.send(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000)
            greedy = [await Client(server).__aenter__() for _ in range(30)]
            for client in greedy:
                await client.send(POST + b"Content-Length: 90000\r\n\r\n" + b"x" * 80_000)
            answers = [asyncio.create_task(client.receive()) for client in greedy]
            done, pending = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            assert {tuple(statuses(task.result())) for task in done} == {(503,)}
            for task in pending:
                task.cancel()
            await honest.send(b"x" * 50_000)
            assert statuses(await honest.receive()) == [200]
            for client in greedy:
                client.socket.close()

    run(scenario())


def test_too_many_connections_cost_the_client_that_has_the_most(run: Run) -> None:
    async def handle(_: Request) -> Response:
        return Response(200)

    async def scenario() -> None:
        async with serving(handle, Limits(max_connections=20)) as server, Client(server, source="127.0.0.2") as honest:
            await honest.send(GET)
            await honest.receive()
            greedy = [await Client(server).__aenter__() for _ in range(100)]
            await until(lambda: len(server.connections) == 20)
            await honest.send(GET)
            assert statuses(await honest.receive()) == [200]
            for client in greedy:
                client.socket.close()

    run(scenario())


async def take_body(request: Request) -> Response:
    body = b"".join([chunk async for chunk in request.body])
    return Response(200, body)


HALF = POST + b"Content-Length: 6\r\n\r\nabc"


def test_fresh_connections_outlive_old_half_sent_bodies(run: Run) -> None:
    """Many addresses attack, each with one connection: what an honest client has just begun is not dropped for them."""

    async def scenario() -> None:
        addresses = (f"127.1.{n // 200}.{n % 200 + 1}" for n in itertools.count())
        async with serving(take_body, Limits(max_connections=32)) as server, AsyncExitStack() as stack:

            async def attack(count: int) -> None:
                for _ in range(count):
                    client = await stack.enter_async_context(Client(server, source=next(addresses)))
                    await client.send(HALF)
                await asyncio.sleep(0.02)  # no clock of ours: the server must have taken them

            await attack(40)
            for _ in range(5):
                async with Client(server, source="127.0.0.9") as honest:
                    await attack(8)
                    await honest.send(HALF)
                    await attack(8)
                    await honest.send(b"def")
                    assert (await honest.receive()).endswith(b"abcdef")
            assert len(server.connections) <= 32

    run(scenario())


def test_behind_a_proxy_each_client_has_its_own_share(run: Run) -> None:
    """All connections come from the proxy's address. The client with the most of them loses some, and no other does."""

    async def scenario() -> None:
        def half(client: str) -> bytes:
            return HALF.replace(b"Content-Length", b"X-Forwarded-For: %s\r\nContent-Length" % client.encode())

        limits = Limits(max_connections=20)
        async with serving(take_body, limits, "127.0.0.1") as server, AsyncExitStack() as stack:
            honest = await stack.enter_async_context(Client(server))
            await honest.send(half("192.0.2.1"))
            for _ in range(60):
                greedy = await stack.enter_async_context(Client(server))
                await greedy.send(half("192.0.2.2"))
            await until(lambda: len(server.connections) <= 20)
            await honest.send(b"def")
            assert (await honest.receive()).endswith(b"abcdef")

    run(scenario())


OVERDUE = {
    "half a head": (GET[:10], [408]),
    "half a body": (HALF, [408]),
    "no body": (HALF[:-3], [408]),
    "nothing": (b"", []),
    "nothing more": (GET, [200]),
    "half a second head": (GET + GET[:10], [200, 408]),
}


@pytest.mark.parametrize(("sent", "expected"), OVERDUE.values(), ids=OVERDUE)
def test_a_client_that_is_late_with_its_request_is_told(run: Run, sent: bytes, expected: list[int]) -> None:
    """A proxy would blame the server for a connection that just ends; and an idle one must end without a word."""

    async def scenario() -> None:
        async with serving(take_body, Limits(idle_timeout=0.1)) as server, Client(server) as client:
            await client.send(sent)
            answer = b""
            with suppress(ConnectionResetError):
                answer = await client.receive_all()
            assert statuses(answer) == expected
            assert answer.count(b"connection: close") == expected.count(408)

    run(scenario())


def test_a_server_that_was_held_up_itself_blames_no_client(run: Run) -> None:
    """A proxy would answer 502 for an honest request whose bytes waited to be read."""

    async def scenario() -> None:
        async def handle(_: Request) -> Response:
            return Response(200)

        async with serving(handle, Limits(idle_timeout=60)) as server, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(server)) for _ in range(4)]
            await until(lambda: len(server.connections) == len(clients))
            loop = asyncio.get_running_loop()
            one, other = (stack.enter_context(end) for end in socket.socketpair())

            def hold_up() -> None:
                """In the turn in which these bytes arrive, timers are next."""
                loop.remove_reader(one)
                for connection in server.connections:
                    connection.since = connection.progress_at = loop.time() - 61
                for client in clients:
                    client.socket.send(GET)
                time.sleep(1.1)  # each second, the server looks who is overdue

            loop.add_reader(one, hold_up)
            other.send(b"x")
            for client in clients:
                assert statuses(await client.receive()) == [200]

    run(scenario())


def test_a_full_server_says_so_and_stays_full(run: Run) -> None:
    """A request that is being answered is never dropped. A new client gets the reason, though it has already sent."""

    async def scenario() -> None:
        handler = Handler()
        async with serving(handler, Limits(max_connections=5)) as server:
            busy = [await Client(server).__aenter__() for _ in range(5)]
            for client in busy:
                await client.send(GET)
            await until(lambda: len(server.connections) == 5)
            for _ in range(20):
                async with Client(server) as late:
                    await late.send(GET * 100)
                    answer = await late.receive_all()
                    assert statuses(answer) == [503]
                    assert b"\r\nRetry-After: 1\r\n" in answer
                    assert len(server.connections) <= 6
            handler.release.set()
            for client in busy:
                assert statuses(await client.receive()) == [200]
                client.socket.close()

    run(scenario())


def test_the_system_buffers_little_for_a_connection(run: Run) -> None:
    """All connections share the memory that the system has for TCP: nobody may use it up by not reading."""

    async def scenario() -> None:
        async with serving(Handler()) as server, Client(server):
            await until(lambda: len(server.connections) == 1)
            [connection] = server.connections
            system_socket = connection._transport.get_extra_info("socket")  # noqa: SLF001
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                assert 102_400 < system_socket.getsockopt(socket.SOL_SOCKET, option) <= 2 * SOCKET_BUFFER_BYTES

    run(scenario())
