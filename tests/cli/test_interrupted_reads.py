"""A read that was interrupted can be repeated by the same client: it keeps the idempotency key for a minute."""

import asyncio
import os
from collections.abc import Callable, Iterator

import httpx
import pytest

from crypt_api import AsyncClient, Client, errors
from crypt_api.client.idempotency_keys import LEASE, IdempotencyKeys
from crypt_api.client.links import parse_link
from tests.support.platforms import Platform
from tests.support.transports import Faulty, ManyAddressesAsync


class Stuck(ManyAddressesAsync):
    """Delivers each request, and then holds back the answers to one method until it is told to go on."""

    def __init__(self, platform: Platform, method: str) -> None:
        super().__init__(platform)
        self.method = method
        self.delivered = asyncio.Event()
        self.is_over = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if request.method == self.method:
            await response.aread()
            self.delivered.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.is_over = True
        return response


@pytest.mark.parametrize("is_plain", [False, True])
async def test_a_cancelled_read_can_be_repeated(platform: Platform, is_plain: bool) -> None:  # noqa: FBT001
    transport = Stuck(platform, "GET")
    async with AsyncClient(platform.url, transport=transport) as client, AsyncClient(platform.url) as other:
        if is_plain:
            link = f"{platform.url}/{await client.create_plain('secret')}"
        else:
            link = (await client.send("secret")).link
        reader = asyncio.create_task(client.read(link))
        await transport.delivered.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        with pytest.raises(errors.NotFound):
            await other.read(link)
        transport.method = ""
        assert (await client.read(f"<{link}>")).text == "secret"
        with pytest.raises(errors.NotFound):  # it was acknowledged, and its key is forgotten
            await client.read(link)


async def test_a_read_that_is_complete_waits_for_no_acknowledgement(platform: Platform) -> None:
    """So no cancellation can lose the content."""
    transport = Stuck(platform, "DELETE")
    client = AsyncClient(platform.url, transport=transport)
    link = (await client.send("secret")).link
    async with asyncio.timeout(30):
        assert (await client.read(link)).text == "secret"
        await transport.delivered.wait()
    assert not transport.is_over
    closing = asyncio.create_task(client.aclose())  # waits for the acknowledgement
    await asyncio.sleep(0)
    assert not closing.done()
    for task in asyncio.all_tasks() - {asyncio.current_task(), closing}:
        task.cancel()
    await closing


@pytest.fixture
def faulty(platform: Platform) -> Iterator[tuple[Client, Faulty]]:
    transport = Faulty(platform, [])
    with Client(platform.url, transport=transport) as client:
        yield client, transport


def fail() -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_block_that_fails_can_be_repeated(faulty: tuple[Client, Faulty], platform: Platform, is_plain: bool) -> None:  # noqa: FBT001
    client, _ = faulty
    link = f"{platform.url}/{client.create_plain('secret')}" if is_plain else client.send("secret", reads=2).link
    for _ in range(2):
        with pytest.raises(OSError, match="full"), client.reading(link):
            fail()
    assert client.read(link).text == "secret"
    if not is_plain:
        assert client.receipt(link).reads_left == 1  # all of that was one read
        assert client.read(link).text == "secret"  # and this is another one
    with pytest.raises(errors.NotFound):
        client.read(link)


def test_an_interrupted_blocking_read_can_be_repeated(faulty: tuple[Client, Faulty]) -> None:
    client, transport = faulty
    link = client.send("secret").link
    transport.faults = ["interrupted"]
    with pytest.raises(KeyboardInterrupt):
        client.read(link)
    assert client.read(link).text == "secret"


def test_two_reads_at_once_are_two_readers(faulty: tuple[Client, Faulty]) -> None:
    client, _ = faulty
    link = client.send("secret").link
    with client.reading(link), pytest.raises(errors.AlreadyRead):
        client.read(link)


class Meanwhile(Faulty):
    """Lets something happen between an answer to a GET and its arrival."""

    happens: Callable[[], object] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.method == "GET" and (happens := self.happens):
            self.happens = None
            happens()
        return response


def test_a_read_that_comes_too_late_takes_no_key_away(platform: Platform) -> None:
    """The block of the first reader fails while the second one is being refused."""
    transport = Meanwhile(platform, [])
    with Client(platform.url, transport=transport) as client:
        link = client.send("secret").link
        first = client.reading(link)
        first.__enter__()
        transport.happens = lambda: first.__exit__(OSError, OSError("the disk is full"), None)
        with pytest.raises(errors.AlreadyRead):
            client.read(link)
        assert client.read(link).text == "secret"


def test_a_message_is_the_same_under_each_spelling_of_its_link() -> None:
    secret = "#" + "A" * 22
    spellings = ("https://example.org/", "HTTPS://Example.ORG:443/", "<https://example.org/")
    links = [spelling + secret for spelling in spellings]
    assert len({parse_link(link).address for link in links}) == 1
    assert parse_link(f"https://example.org:8443/{secret}").address != parse_link(links[0]).address


def test_a_key_is_kept_for_the_minute_of_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    keys = IdempotencyKeys(lambda: now)

    def interrupted(message: str) -> str:
        with pytest.raises(OSError, match="full"), keys.claim(message) as claim:
            fail()
        return claim.key

    first = interrupted("a")
    with monkeypatch.context() as forked:
        other = IdempotencyKeys(lambda: now)
        vars(other)["_kept"].update(vars(keys)["_kept"])
        forked.setattr(os, "getpid", lambda: -1)
        with other.claim("a") as claim:
            assert claim.key != first  # two processes are two readers
    assert interrupted("b") != first
    now = LEASE - 1
    assert interrupted("a") == first
    now += LEASE
    assert interrupted("a") == first
    now += LEASE + 1
    with keys.claim("a") as claim:
        assert claim.key != first
    assert not vars(keys)["_kept"]
