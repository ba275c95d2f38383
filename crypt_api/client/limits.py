"""The limits of one exchange: how large a response may be, and how long the whole may take.

httpx's own limits are for one read from the socket. A server that gives a byte a second would keep the client for
ever, and a small compressed response could fill the memory.
"""

import time
import zlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

MAX_RESPONSE_BYTES = 1_048_576
"""The largest response of the service is a plain message in JSON's escapes, six bytes for one: 614,400 bytes."""

MAX_RESPONSE = "max_response_bytes"
"""The extension of a request whose response may be larger or has to be smaller than that."""

RECEIVED = "received"
"""The extension of a request with a function that is called with the bytes of the body so far."""

PATIENCE = 1.5
"""How much longer a whole exchange may take than a silence within it."""

SLOWEST_LINE = 1_000
"""Bytes a second: the time that is added for each byte of the bodies."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class NotThisService(httpx.TransportError):
    """The response is larger or slower than any response of the service."""


class Exchange:
    """A request whose response comes in. Each method raises `NotThisService` when a limit is reached."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        silence: float = request.extensions["timeout"]["read"]
        length = int(request.headers.get("content-length", 0))
        self._ends = time.monotonic() + PATIENCE * silence + length / SLOWEST_LINE
        self._limit: int = request.extensions.get(MAX_RESPONSE, MAX_RESPONSE_BYTES)
        self._on_bytes: Callable[[int], None] | None = request.extensions.get(RECEIVED)
        self._received = 0
        self._body = bytearray()
        self._decoder: Any = None

    def seconds_left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.too_slow()
        return left

    def too_slow(self) -> NotThisService:
        return NotThisService("its response does not come to an end", request=self._request)

    def begin(self, response: httpx.Response) -> None:
        """Take the head of the response; the body follows, as it comes from the network."""
        if response.is_stream_consumed:  # by a transport of the caller's own
            self.take(response.content)
        elif response.headers.get("content-encoding", "").lower() in ("gzip", "deflate"):
            self._decoder = zlib.decompressobj(_GZIP_OR_ZLIB)

    def take(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self._received += len(chunk)  # compressed, it may grow without end and mean nothing
        self._ends += len(chunk) / SLOWEST_LINE
        try:
            self._body += self._decoder.decompress(chunk, self._room + 1) if self._decoder else chunk
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=self._request) from None
        if self._room < 0 or self._received > self._limit:
            raise NotThisService(f"its response has more than {self._limit:,} bytes", request=self._request)
        if self._on_bytes:
            self._on_bytes(len(self._body))
        self.seconds_left()

    def end(self, response: httpx.Response) -> httpx.Response:
        """Give the response with its whole body, and what follows its compressed form: some programs read on."""
        if self._decoder:
            self._body += self._decoder.unused_data
        # As bytes: httpx reads them by a guess, and does not take back what it has read.
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=bytes(self._body), request=self._request)

    @property
    def _room(self) -> int:
        return self._limit - len(self._body)


current_exchange: ContextVar[Exchange] = ContextVar("exchange")
"""What the streams below belong to. asyncio has deadlines of its own."""


class TimedStream(httpcore.NetworkStream):
    """A connection that waits no longer than the current exchange may take, heads included."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = current_exchange.get()
        left = exchange.seconds_left()
        if timeout is not None and timeout <= left:
            return self._stream.read(max_bytes, timeout)
        try:
            return self._stream.read(max_bytes, left)
        except httpcore.ReadTimeout:
            raise exchange.too_slow() from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _at_most(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, _at_most(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Opens such connections."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        return TimedStream(self._backend.connect_tcp(host, port, _at_most(timeout), *arguments, **options))


def _at_most(timeout: float | None) -> float:
    left = current_exchange.get().seconds_left()
    return left if timeout is None else min(timeout, left)
