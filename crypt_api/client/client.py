"""The Python client: `Client` and `AsyncClient`, for sealed messages and plain ones.

What they say to the service is in `protocol.py`; here is how they wait for it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, assert_never

import httpx

from crypt_api.client import protocol
from crypt_api.client.envelope import Content
from crypt_api.client.protocol import Ask, Compute, Operation, Pause, Receipt, Sent, Step, Taken

T = TypeVar("T")

LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
"""Spoken to without encryption, and so never through a proxy that the environment names."""


class Client:
    """Sends and reads messages. Close it, or use it in a `with`.

    What goes wrong is a `CryptApiError` (`errors.py`); each method says which ones are its own. Besides them, any may
    raise `Unavailable`, `RateLimited` and `Refused`.
    """

    def __init__(
        self,
        server: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`server` is the service that messages are sent to; those that are read have theirs in their links.

        Raises:
            InvalidLink: `server` is none, or would be spoken to unencrypted over a network.
        """
        self._server = protocol.origin_of(server)
        self._http = httpx.Client(transport=transport, mounts=dict.fromkeys(LOOPBACK))
        self._sleep = sleep

    def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """Encrypt and store `content` for `ttl` seconds (the service's default is a day) and `reads` readers.

        Raises:
            ContentTooLarge: It has more than 102,400 bytes.
            InvalidText: Text, file name or passphrase cannot be written in UTF-8.
        """
        return self._run(protocol.send(self._server, content, ttl, reads, passphrase))

    def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """Read the message at `link`, and destroy it there.

        Raises:
            InvalidLink: It is no link to a message.
            NotFound: There is no such message; as `AlreadyRead` or `Destroyed` where that is known.
            PassphraseRequired: It takes a passphrase. Nothing was read.
            UnexpectedPassphrase: It takes none. Nothing was read.
            WrongPassphrase: It takes another one. Nothing was read.
            BadEnvelope: What came is not what the sender sealed.
        """
        with self.reading(link, passphrase=passphrase) as content:
            return content

    @contextmanager
    def reading(self, link: str, *, passphrase: str | None = None) -> Iterator[Content]:
        """Read the message at `link`; its service lets go of it when the block ends well, or after a minute.

        For what must not be lost between here and where it is going. Raises what `read` raises.
        """
        with self._taken(protocol.take(link, passphrase)) as content:
            yield content

    def status(self, link: str) -> Receipt:
        """Tell what has become of the message at `link`.

        Raises:
            InvalidLink: It is no link to a sealed message.
            NotFound: There is no such message, or its time is up.
        """
        return self._run(protocol.status(link))

    def burn(self, link: str) -> None:
        """Destroy the message at `link` unread.

        Raises:
            InvalidLink: It is no link to a message.
            NotFound: There is no such message; as `AlreadyRead` or `Destroyed` where that is known.
        """
        self._run(protocol.burn(link))

    def create(self, message: str, *, ttl: int | None = None) -> str:
        """Store a plain message, which the service can read, for `ttl` seconds; give its id.

        Raises:
            ContentTooLarge: It has more than 102,400 bytes.
        """
        return self._run(protocol.create(self._server, message, ttl))

    def fetch(self, message_id: str) -> str:
        """Read a plain message, and destroy it.

        Raises:
            NotFound: There is no such message.
        """
        with self._taken(protocol.take_plain(self._server, message_id)) as content:
            return content.text

    def delete(self, message_id: str) -> None:
        """Destroy a plain message unread.

        Raises:
            NotFound: There is no such message.
        """
        self._run(protocol.delete(self._server, message_id))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _taken(self, operation: Operation[Taken]) -> Iterator[Content]:
        taken = self._run(operation)
        yield taken.content
        self._run(protocol.acknowledge(taken))

    def _run(self, operation: Operation[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            outcome = self._carry_out(step)

    def _carry_out(self, step: Step) -> Any:
        match step:
            case Ask(request):
                try:
                    return self._http.send(request)
                except httpx.RequestError as error:
                    return error
            case Pause(seconds):
                return self._sleep(seconds)
            case Compute(function):
                return function()
            case _:
                assert_never(step)


class AsyncClient:
    """As `Client`, for asyncio. Close it by `aclose`, or use it in an `async with`."""

    def __init__(
        self,
        server: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """As for `Client`."""
        self._server = protocol.origin_of(server)
        self._http = httpx.AsyncClient(transport=transport, mounts=dict.fromkeys(LOOPBACK))
        self._sleep = sleep

    async def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """As `Client.send`."""
        return await self._run(protocol.send(self._server, content, ttl, reads, passphrase))

    async def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """As `Client.read`."""
        async with self.reading(link, passphrase=passphrase) as content:
            return content

    @asynccontextmanager
    async def reading(self, link: str, *, passphrase: str | None = None) -> AsyncIterator[Content]:
        """As `Client.reading`."""
        async with self._taken(protocol.take(link, passphrase)) as content:
            yield content

    async def status(self, link: str) -> Receipt:
        """As `Client.status`."""
        return await self._run(protocol.status(link))

    async def burn(self, link: str) -> None:
        """As `Client.burn`."""
        await self._run(protocol.burn(link))

    async def create(self, message: str, *, ttl: int | None = None) -> str:
        """As `Client.create`."""
        return await self._run(protocol.create(self._server, message, ttl))

    async def fetch(self, message_id: str) -> str:
        """As `Client.fetch`."""
        async with self._taken(protocol.take_plain(self._server, message_id)) as content:
            return content.text

    async def delete(self, message_id: str) -> None:
        """As `Client.delete`."""
        await self._run(protocol.delete(self._server, message_id))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def _taken(self, operation: Operation[Taken]) -> AsyncIterator[Content]:
        taken = await self._run(operation)
        yield taken.content
        await self._run(protocol.acknowledge(taken))

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
