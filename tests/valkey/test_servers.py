"""Two servers on one engine are one service."""

import asyncio
import contextlib
import itertools
import math
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from crypt_api.server.asgi import AsgiApp, create_app
from tests.support.browser_headers import BROWSER_ACCEPT
from tests.support.platforms import NO_TLS, Connection, Process, start_server
from tests.support.rate import within_a_second
from tests.support.valkey import new_prefix, shared_engine, until


@contextmanager
def two_servers(*flags: str) -> Iterator[tuple[Process, Process]]:
    store = f"--store={shared_engine().url}?prefix={new_prefix()}"
    with start_server(store, *flags) as one, start_server(store, *flags) as two:
        yield one, two


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Process, Process]]:
    with two_servers("--rate-limit-per-second=0", "--id-length=8") as both:
        yield both


@pytest.fixture
def clients(servers: tuple[Process, Process]) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with httpx.Client(base_url=servers[0].url) as one, httpx.Client(base_url=servers[1].url) as two:
        yield one, two


Clients = tuple[httpx.Client, httpx.Client]


@pytest.mark.parametrize("messages", [100, pytest.param(1_000, marks=pytest.mark.long)])
async def test_of_64_readers_over_two_servers_one_gets_it(servers: tuple[Process, Process], messages: int) -> None:
    ports = [int(server.url.rpartition(":")[2]) for server in servers]
    connections = [
        Connection(*await asyncio.open_connection("127.0.0.1", ports[number % 2]), "X-Unused") for number in range(64)
    ]
    for number in range(messages):
        _, created = await connections[number % 64].ask("POST", "/", {"message": f"secret {number}"})
        path = f"/{created['id']}"
        answers = await asyncio.gather(*(connection.ask("GET", path) for connection in connections))
        assert sorted(status for status, _ in answers) == [200] + [404] * 63
        assert (200, {"message": f"secret {number}"}) in answers
    for connection in connections:
        connection.close()


def test_a_message_of_one_server_is_the_others_too(clients: Clients) -> None:
    one, two = clients
    message_id = one.post("/", json={"message": "secret"}).json()["id"]
    headers = {"Idempotency-Key": "key"}
    assert two.get(f"/{message_id}", headers=headers).json() == {"message": "secret"}
    assert one.get(f"/{message_id}", headers=headers).json() == {"message": "secret"}
    assert one.get(f"/{message_id}").status_code == 404
    assert two.delete(f"/{message_id}", headers=headers).status_code == 204
    assert one.get(f"/{message_id}", headers=headers).status_code == 404


def test_the_form_of_one_server_is_taken_by_the_other(clients: Clients) -> None:
    one, two = clients
    message_id = one.post("/", json={"message": "secret"}).json()["id"]
    page = one.get(f"/{message_id}", headers={"Accept": BROWSER_ACCEPT})
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    headers = {"Cookie": page.headers["set-cookie"].partition(";")[0], "Accept": "text/html"}
    answer = two.post(f"/{message_id}/reveal", data={"token": token}, headers=headers)
    assert answer.status_code == 200
    assert "secret" in answer.text


def test_what_is_not_about_messages_is_the_same_everywhere(clients: Clients) -> None:
    for path in ("/-/ready", "/-/health", "/-/openapi.json", "/-/main.js", "/-/page.css"):
        answers = [client.get(path) for client in clients]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content


class Balancer:
    """Sends each request to the next server, and again to another one until there is an answer."""

    def __init__(self, servers: list[Process]) -> None:
        self._servers = servers
        self._turn = itertools.count()

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        for _ in range(20):
            with contextlib.suppress(OSError, EOFError):
                port = self._servers[next(self._turn) % len(self._servers)].port
                connection = Connection(*await asyncio.open_connection("127.0.0.1", port), "X-Unused")
                try:
                    return await connection.ask(method, path, body)
                finally:
                    connection.close()
        raise AssertionError("no server answers")


async def test_a_restart_of_each_server_in_turn_loses_nothing_under_load() -> None:
    flags = (f"--store={shared_engine().url}?prefix={new_prefix()}", "--rate-limit-per-second=0")
    servers = [start_server(*flags), start_server(*flags)]
    balancer = Balancer(servers)
    unread: list[tuple[str, str]] = []
    is_over = False
    rounds = 0

    async def use() -> None:
        nonlocal rounds
        while not is_over:
            secret = secrets.token_hex(8)
            status, created = await balancer.ask("POST", "/", {"message": secret})
            assert status == 200
            unread.append((created["id"], secret))
            if len(unread) < 32:
                continue
            message_id, secret = unread.pop(0)
            assert await balancer.ask("GET", f"/{message_id}") == (200, {"message": secret})
            assert (await balancer.ask("GET", f"/{message_id}"))[0] == 404
            rounds += 1

    async def load_goes_on() -> None:
        enough = rounds + 50
        await until(lambda: rounds >= enough, "nobody gets through")

    try:
        users = asyncio.gather(*(use() for _ in range(24)))
        for number in range(2):
            await load_goes_on()
            assert await asyncio.to_thread(servers[number].stop) == 0
            restarted = start_server(*flags)
            await asyncio.to_thread(restarted.wait_for, r"listening on (http\S+)")
            servers[number] = restarted
        is_over = True
        await users
        for message_id, secret in unread:
            assert await balancer.ask("GET", f"/{message_id}") == (200, {"message": secret})
    finally:
        for server in servers:
            server.stop()


@pytest.mark.parametrize("server", ["crypt-api serve", "uvicorn"])
async def test_the_first_requests_after_a_start_are_counted_for_all_servers(server: str) -> None:
    store, limit = f"{shared_engine().url}?prefix={new_prefix()}", "3"
    async with AsyncExitStack() as stack:
        if server == "uvicorn":
            environment = {"CRYPT_API_STORE": store, "CRYPT_API_RATE_LIMIT_PER_SECOND": limit}
            applications = [create_app(environment) for _ in range(2)]
            for application in applications:
                await stack.enter_async_context(lifespan(application))
            transports = [httpx.ASGITransport(application, client=("192.0.2.1", 1)) for application in applications]
            clients = [httpx.AsyncClient(transport=transport, base_url="http://x") for transport in transports]
        else:
            servers = stack.enter_context(two_servers(f"--rate-limit-per-second={limit}"))
            clients = [httpx.AsyncClient(base_url=server.url) for server in servers]
        for client in clients:
            await stack.enter_async_context(client)
        began = time.monotonic()
        answers = await asyncio.gather(*(clients[number % 2].get("/zzzzz") for number in range(12)))
        seconds = math.ceil(time.monotonic() - began)
        statuses = [answer.status_code for answer in answers]
        assert 3 <= statuses.count(404) <= 3 * seconds
        assert statuses.count(404) + statuses.count(429) == len(answers)


@asynccontextmanager
async def lifespan(application: AsgiApp) -> AsyncIterator[None]:
    """Start the application as an ASGI server does."""
    events: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    done: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    task = asyncio.ensure_future(application({"type": "lifespan"}, events.get, done.put))
    for event in ("startup", "shutdown"):
        await events.put({"type": f"lifespan.{event}"})
        assert (await done.get())["type"] == f"lifespan.{event}.complete"
        if event == "startup":
            yield
    await task


def test_one_limit_over_both_servers() -> None:
    with two_servers("--rate-limit-per-second=3") as (one, two), httpx.Client() as client:
        statuses = within_a_second(
            lambda: [client.get(f"{(one, two)[number % 2].url}/zzzzz").status_code for number in range(6)]
        )
        assert statuses == [404, 404, 404, 429, 429, 429]


def test_the_first_requests_of_all_are_counted_over_both_servers() -> None:
    """They come at once, as soon as the servers listen. Where that takes longer than a second, more are admitted."""
    with two_servers("--rate-limit-per-second=3") as servers, ThreadPoolExecutor(12) as threads:
        urls = [f"{server.url}/zzzzz" for server in servers] * 6
        get = partial(httpx.get, verify=NO_TLS)  # trusted certificates would take most of the second to read
        began = time.monotonic()
        statuses = [response.status_code for response in threads.map(get, urls)]
        seconds = math.ceil(time.monotonic() - began)
        assert 3 <= statuses.count(404) <= 3 * seconds
        assert statuses.count(404) + statuses.count(429) == len(urls)


def test_one_budget_of_misses_over_both_servers_and_what_is_found_costs_nothing() -> None:
    flags = ("--rate-limit-per-second=99", "--misses-per-hour=3")
    with two_servers(*flags) as (one, two), httpx.Client() as client:
        for server in (one, two) * 4:
            message_id = client.post(server.url, json={"message": "secret"}).json()["id"]
            assert client.get(f"{server.url}/{message_id}").status_code == 200
        statuses = [client.get(f"{(one, two)[number % 2].url}/zzzzz").status_code for number in range(6)]
        assert statuses == [404, 404, 404, 429, 429, 429]


def test_the_start_tells_what_the_engine_keeps() -> None:
    with start_server(f"--store={shared_engine().url}?prefix={new_prefix()}") as server:
        assert server.url
        assert "INFO append-only file, appendfsync always: what is acknowledged survives a crash" in server.output


def test_an_engine_that_is_not_there_ends_the_start() -> None:
    server = start_server("--store=valkey://:word@127.0.0.1:1/0?deadline=0.2")
    assert server.wait() == 1
    assert "cannot use the engine" in server.output
    assert "word" not in server.output
