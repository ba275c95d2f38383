"""The Python client for asyncio, method for method the same as `Client`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, assert_never

import httpx

from crypt_api.client import protocol
from crypt_api.client.client import LOOPBACK
from crypt_api.client.envelope import Content
from crypt_api.client.links import origin_of
from crypt_api.client.protocol import Leased
from crypt_api.client.receipts import Receipt, Sent
from crypt_api.client.steps import Ask, Compute, Operation, Pause, Step

T = TypeVar("T")


class AsyncClient:
    """The same as `Client`, for asyncio. Close it with `aclose`, or use it in an `async with`.

    Each method does what the method of `Client` with the same name does. `reading` is for an `async with`.

    Example:
        >>> import asyncio
        >>> from crypt_api import AsyncClient
        >>> async def main():
        ...     async with AsyncClient("https://example.org") as client:
        ...         sent = await client.send("the key is under the mat")
        ...         async with client.reading(sent.link) as content:
        ...             print(content.text)
        >>> asyncio.run(main())
        the key is under the mat
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """See `Client`."""
        self._server = origin_of(server)
        self._token = token
        self._http = httpx.AsyncClient(transport=transport, mounts=dict.fromkeys(LOOPBACK))
        self._sleep = sleep

    async def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """See `Client.send`."""
        return await self._run(protocol.send(self._server, content, ttl, reads, passphrase, self._token))

    async def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """See `Client.read`."""
        async with self.reading(link, passphrase=passphrase) as content:
            return content

    @asynccontextmanager
    async def reading(self, link: str, *, passphrase: str | None = None) -> AsyncIterator[Content]:
        """See `Client.reading`."""
        async with self._leased(protocol.read(link, passphrase)) as content:
            yield content

    async def receipt(self, link: str) -> Receipt:
        """See `Client.receipt`."""
        return await self._run(protocol.receipt(link))

    async def destroy(self, link: str) -> None:
        """See `Client.destroy`."""
        await self._run(protocol.destroy(link))

    async def create_plain(self, message: str, *, ttl: int | None = None) -> str:
        """See `Client.create_plain`."""
        return await self._run(protocol.create_plain(self._server, message, ttl, self._token))

    async def read_plain(self, message_id: str) -> str:
        """See `Client.read_plain`."""
        async with self._leased(protocol.read_plain(self._server, message_id)) as content:
            return content.text

    async def destroy_plain(self, message_id: str) -> None:
        """See `Client.destroy_plain`."""
        await self._run(protocol.destroy_plain(self._server, message_id))

    async def aclose(self) -> None:
        """See `Client.close`."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def _leased(self, operation: Operation[Leased]) -> AsyncIterator[Content]:
        leased = await self._run(operation)
        yield leased.content
        await self._run(protocol.acknowledge(leased))

    async def _run(self, operation: Operation[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            outcome = await self._carry_out(step)

    async def _carry_out(self, step: Step) -> Any:
        match step:
            case Ask(request):
                try:
                    return await self._http.send(request)
                except httpx.RequestError as error:
                    return error
            case Pause(seconds):
                return await self._sleep(seconds)
            case Compute(function):
                return await asyncio.to_thread(function)
            case _:
                assert_never(step)
