"""The body of a request, handed to the handler as it arrives."""

import asyncio
from collections.abc import Callable
from typing import Self

from crypt_api.server.edge.framing import ChunkedDecoder, LengthDecoder
from crypt_api.server.edge.head import Head
from crypt_api.server.edge.limits import CHUNK_MEMORY, MAX_SKIPPED_BYTES, MAX_WAITING_BYTES


class Body:
    """The body of one request, on its way from the connection to the handler.

    The connection calls `receive` with the bytes that have arrived; the handler iterates, once.

    Attributes:
        is_complete: Whether all of it has arrived.
        memory: Bytes that the body costs, those included that the handler has collected.
        owes_continue: Whether the client waits for `100 Continue` before it sends the body.
    """

    def __init__(self, head: Head, on_wait: Callable[[], None], on_growth: Callable[[int], None]) -> None:
        """Begin with nothing of the body.

        Args:
            head: The head of the request.
            on_wait: Called each time that the handler waits for more.
            on_growth: Called with each change of `memory`.
        """
        self._decoder = ChunkedDecoder() if head.length is None else LengthDecoder(head.length)
        self._on_wait = on_wait
        self._on_growth = on_growth
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._news: asyncio.Future[None] | None = None
        self._is_wanted = True
        self.is_complete = self._decoder.is_complete
        self.memory = 0
        self.owes_continue = head.expects_continue

    # The connection's side.

    @property
    def is_behind(self) -> bool:
        """Whether `receive` has left bytes in the buffer that it can take in another turn of the event loop."""
        return self._decoder.is_behind and not self.is_full

    @property
    def is_full(self) -> bool:
        """Whether the handler must take what is here before more is received."""
        return self._waiting_bytes >= MAX_WAITING_BYTES

    @property
    def is_worth_skipping(self) -> bool:
        """Whether the rest is small, and will surely come.

        A client that waits for `100 Continue` may never send the body: its next bytes could be another request.
        """
        remaining = self._decoder.remaining
        is_small = remaining is not None and remaining <= MAX_SKIPPED_BYTES
        return self.is_complete or (is_small and not self.owes_continue)

    def receive(self, buffer: bytearray) -> None:
        """Take what has arrived of the body from the front of the buffer.

        Raises:
            Refusal: The framing is invalid.
        """
        chunk = self._decoder.take(buffer)
        self.is_complete = self._decoder.is_complete
        if chunk:
            self.owes_continue = False
            if self._is_wanted:
                self._chunks.append(chunk)
                self._waiting_bytes += len(chunk)
                self._grow(len(chunk) + CHUNK_MEMORY)
        if self._news is not None and not self._news.done() and (chunk or self.is_complete):
            self._news.set_result(None)

    def discard(self) -> None:
        """Keep nothing of the body, now and later."""
        self._is_wanted = False
        self._chunks.clear()
        self._waiting_bytes = 0
        if self.memory:
            self._grow(-self.memory)

    def _grow(self, size: int) -> None:
        self.memory += size
        self._on_growth(size)

    # The handler's side. (It is no generator, which asyncio would have to close for a handler that stops half-way.)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self.is_complete:
                raise StopAsyncIteration
            self._news = asyncio.get_running_loop().create_future()
            self._on_wait()
            await self._news
        content = b"".join(self._chunks)
        self._chunks.clear()
        self._waiting_bytes = 0
        return content

    def pieces(self) -> "Pieces":
        """The body, for a handler that keeps no piece: the memory of each is given back when the next one is taken."""
        return Pieces(self)

    def give_back(self) -> None:
        """Count no longer what the handler has taken."""
        waiting = self._waiting_bytes + len(self._chunks) * CHUNK_MEMORY
        if self.memory > waiting:
            self._grow(waiting - self.memory)


class Pieces:
    """See `Body.pieces`."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._body.give_back()
        return await anext(self._body)
