"""The Python client for asyncio, method for method the same as `Client`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from crypt_api.client import asking, protocol
from crypt_api.client.attachments import Attachment
from crypt_api.client.connections import TIMEOUT
from crypt_api.client.downloads import open_ticket
from crypt_api.client.drivers import AsyncDriver
from crypt_api.client.idempotency_keys import IdempotencyKeys
from crypt_api.client.links import answer_link, origin_of, parse_link, plain_url
from crypt_api.client.messages import AsyncMessage, async_message_of, is_over
from crypt_api.client.receipts import Asked, Question, Receipt, Sent
from crypt_api.client.steps import Conversation
from crypt_api.client.uploads import ReportProgress, Upload, opened_upload

T = TypeVar("T")


class AsyncClient:
    """The same as `Client`, for asyncio. Close it with `aclose`, or use it in an `async with`, on each event loop.

    Each method does what the method of `Client` with the same name does. `reading` is for an `async with`; what it read
    is acknowledged in the background, and `aclose` waits for that. A `read` that was cancelled can be repeated, as
    `Client.reading` says. A `send` or an `answer` that was cancelled deletes its parts in the background, unless
    the answer may have arrived. Files are read and written in threads.

    Example:
        >>> import asyncio
        >>> from crypt_api import AsyncClient
        >>> async def main():
        ...     async with AsyncClient("https://example.org") as client:
        ...         sent = await client.send("the key is under the mat")
        ...         async with client.reading(sent.link) as message:
        ...             print(message.text)
        >>> asyncio.run(main())
        the key is under the mat
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """See `Client`."""
        self._server = origin_of(server)
        self._token = token
        self._keys = IdempotencyKeys()
        self._driver = AsyncDriver(transport, sleep, timeout)

    async def send(  # noqa: PLR0913 - what a message is made of
        self,
        text: str = "",
        *,
        files: Iterable[Attachment | Path | str] = (),
        ttl: int | None = None,
        reads: int = 1,
        passphrase: str | None = None,
        notify: str | None = None,
        progress: ReportProgress | None = None,
        journal: Path | None = None,
    ) -> Sent:
        """See `Client.send`."""
        with opened_upload(self._server, files, self._token, progress, journal) as upload:
            outgoing = protocol.Outgoing(text, upload.files, ttl, reads, passphrase, notify)
            return await self._finished(protocol.send(self._server, outgoing, self._token, upload), upload)

    async def ask(self, question: str = "", *, ttl: int | None = None, notify: str | None = None) -> Asked:
        """See `Client.ask`."""
        return await self._driver.run(asking.ask_for(self._server, question, ttl, notify, self._token))

    async def question(self, link: str) -> Question:
        """See `Client.question`."""
        return await self._driver.run(asking.get_question(link))

    async def answer(
        self,
        link: str,
        text: str = "",
        *,
        files: Iterable[Attachment | Path | str] = (),
        progress: ReportProgress | None = None,
        journal: Path | None = None,
    ) -> datetime:
        """See `Client.answer`."""
        origin, key = answer_link(link)
        with opened_upload(origin, files, asking.upload_token(key), progress, journal) as upload:
            return await self._finished(asking.answer(link, text, upload), upload)

    async def read(self, link: str, *, passphrase: str | None = None) -> AsyncMessage:
        """See `Client.read`."""
        async with self.reading(link, passphrase=passphrase) as message:
            return message

    @asynccontextmanager
    async def reading(self, link: str, *, passphrase: str | None = None) -> AsyncIterator[AsyncMessage]:
        """See `Client.reading`."""
        with self._keys.claim(parse_link(link).address) as claim:
            leased = await self._driver.run(protocol.read(link, passphrase, claim.key))
            claim.is_leased = True
            yield async_message_of(self._driver.run, leased.text, leased.download)
        # Nothing waits here any more: a cancellation would lose the content of a `read` that is complete.
        self._driver.run_in_background(protocol.acknowledge(leased))
        if leased.download is not None and is_over(leased.download):
            self._driver.run_in_background(leased.download.delete_parts())

    def resume(self, ticket: str) -> AsyncMessage:
        """See `Client.resume`."""
        download = open_ticket(ticket)
        return async_message_of(self._driver.run, download.manifest.note, download)

    async def receipt(self, link: str) -> Receipt:
        """See `Client.receipt`."""
        return await self._driver.run(protocol.receipt(link))

    async def destroy(self, link: str) -> None:
        """See `Client.destroy`."""
        await self._driver.run(protocol.destroy(link))

    async def create_plain(self, message: str, *, ttl: int | None = None, notify: str | None = None) -> str:
        """See `Client.create_plain`."""
        return await self._driver.run(protocol.create_plain(self._server, message, ttl, notify, self._token))

    async def read_plain(self, message_id: str) -> str:
        """See `Client.read_plain`."""
        return (await self.read(plain_url(self._server, message_id))).text

    async def destroy_plain(self, message_id: str) -> None:
        """See `Client.destroy_plain`."""
        await self.destroy(plain_url(self._server, message_id))

    async def aclose(self) -> None:
        """See `Client.close`."""
        await self._driver.close()

    async def _finished(self, conversation: Conversation[T], upload: Upload) -> T:
        """Carry out what sends the files. If it cannot go on later, its parts are deleted in the background."""
        try:
            return await self._driver.run(conversation)
        except BaseException as error:  # a cancellation, too
            if not upload.can_go_on_after(error):
                self._driver.run_in_background(upload.withdraw())
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
