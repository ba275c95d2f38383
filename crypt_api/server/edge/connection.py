"""One connection: it handles one request at a time, and its phase says what it waits for."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, cast

from crypt_api.server.edge.body import Body
from crypt_api.server.edge.head import Head, HeadReader, Refusal
from crypt_api.server.edge.limits import BODY_TIMEOUTS, LINGER_SECONDS, MAX_LINGER_BYTES, MAX_WAITING_BYTES
from crypt_api.server.edge.peer import Peer, sharing_group
from crypt_api.server.edge.phase import Phase
from crypt_api.server.edge.responses import CONTINUE, response_bytes
from crypt_api.server.edge.turns import Turns
from crypt_api.server.trusted_proxies import TrustedProxies
from crypt_core.http.errors import ApiError, TooManyConnections, api_error_response, error_response
from crypt_core.http.types import Request, Response

Handle = Callable[[Request], Awaitable[Response]]
"""Answers a request."""


class Owner(Protocol):
    """The server, as a connection sees it.

    Attributes:
        idle_timeout: Seconds.
        read_buffer: Where the bytes arrive that are read.
        turns: Decides which connection is handled next.
        proxies: The operator's own; they say whose a request is.
    """

    handle: Handle
    idle_timeout: float
    is_stopping: bool
    read_buffer: memoryview
    turns: Turns
    proxies: TrustedProxies

    def opened(self, connection: "Connection") -> bool:
        """Count a new connection; False if there is no room for it."""
        ...

    def closed(self, connection: "Connection") -> None:
        """Count it no longer."""
        ...

    def body_grew(self, size: int) -> None:
        """Count memory of a body in bytes; negative ones when the body is done with. It may drop connections."""
        ...


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection.

    Attributes:
        phase: What the connection waits for.
        since: Loop time in seconds at which the phase began.
        progress_at: Loop time in seconds at which the client last sent, or took, something.
        client_group: Whose share of the server it takes: the client's, or a proxy's while no request has arrived.
    """

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, peer: Peer) -> None:
        self._owner = owner
        self._loop = loop
        self._peer = peer
        self.client_group = peer.group
        self._buffer = bytearray()  # what has arrived, and has not been looked at
        self._has_ended = False  # the client has finished sending
        self._is_reading = True
        self._is_congested = False  # the system has not taken all of a response
        self._unsent = 0  # bytes of the response that it has not taken, when last looked at
        self._lingered = 0  # bytes dropped in LINGER
        self._is_scheduled = False  # `take_turn` will be called
        self._is_last = False  # the connection ends after this request
        self._head_reader = HeadReader()
        self._head: Head | None = None
        self._body: Body | None = None
        self._task: asyncio.Task[None] | None = None  # runs the handler, and sends a body in pieces
        self._writable: asyncio.Future[None] | None = None  # in STREAM, while the client has to take something
        self._enter(Phase.HEAD)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)  # one response at a time: congested means not taken yet
        if not self._owner.opened(self):
            self.refuse(TooManyConnections())
        elif self._owner.is_stopping:  # accepted before the server stopped to listen
            self.stop()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._abandon_request()
        self._enter(Phase.CLOSED)
        self._owner.closed(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._owner.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.progress_at = self._loop.time()
        if self.phase is Phase.HEAD and not self._buffer:
            self.since = self.progress_at  # the time for a head begins with its first byte
        self._buffer += self._owner.read_buffer[:nbytes]
        self._advance_in_turn()

    def eof_received(self) -> bool:
        """The client has finished sending, and still gets its responses."""
        self._has_ended = True
        self._advance_in_turn()
        return self.phase is not Phase.CLOSED

    def pause_writing(self) -> None:
        self._is_congested = True

    def resume_writing(self) -> None:
        self._is_congested = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._advance_in_turn()

    # What the server calls.

    def is_overdue(self, now: float) -> bool:
        """Whether the client has used up its time."""
        idle = self._owner.idle_timeout
        match self.phase:
            case Phase.ANSWER:
                return False
            case Phase.HEAD | Phase.CLOSED:
                return now - self.since > idle
            case Phase.LINGER:
                return now - self.since > LINGER_SECONDS
            case Phase.STREAM | Phase.FLUSH:
                unsent = self._transport.get_write_buffer_size()
                if unsent < self._unsent:
                    self._unsent, self.progress_at = unsent, now
        return now - self.progress_at > idle or now - self.since > idle * BODY_TIMEOUTS

    def time_out(self) -> None:
        """End the connection since it is overdue. A client that has sent half a request is told.

        A proxy in front would take a connection that ends without a response for a fault of the server. An idle
        connection just ends: a response that nobody has asked for could be taken for that of the next request.
        """
        if self.phase is Phase.BODY or (self.phase is Phase.HEAD and self._buffer):
            self.refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "Request timeout"))
        else:
            self.drop()

    def drop(self) -> None:
        """End the connection at once."""
        self._abandon_request()
        self._enter(Phase.CLOSED)
        self._transport.abort()

    def stop(self) -> None:
        """End the connection as soon as the request that has arrived, if there is one, has its response."""
        self._is_last = True
        if self.phase is Phase.SKIP:
            self._start_lingering()
        elif self.phase is Phase.HEAD and not self._is_scheduled:
            self._close()

    def take_turn(self) -> None:
        """Continue after waiting in the queue."""
        self._is_scheduled = False
        self._advance()

    @property
    def body_memory(self) -> int:
        """Bytes that the body of the request costs."""
        return 0 if self._body is None else self._body.memory

    # How it goes on.

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self.progress_at = self._loop.time()

    def _schedule(self) -> None:
        """Handle the buffer in another turn of the event loop: other connections come first."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._owner.turns.wait(self)

    def _advance_in_turn(self) -> None:
        """Handle the buffer now, or queue if other connections come first."""
        if not self._is_scheduled and self._owner.turns.take(self):
            self._advance()
        else:
            self._schedule()
            self._read_or_pause()

    def _advance(self) -> None:
        """Do what the phase allows: one request at most, and a bounded part of its body."""
        try:
            match self.phase:
                case Phase.HEAD:
                    self._read_head()
                case Phase.BODY | Phase.SKIP:
                    self._read_body()
                case Phase.FLUSH if not self._is_congested:
                    self._response_taken()
                case Phase.LINGER:
                    self._linger()
        except Refusal as refusal:
            self.refuse(refusal)
        self._read_or_pause()

    def _read_or_pause(self) -> None:
        """Pause reading while the buffer is full, and for good after too many dropped bytes."""
        wants_more = len(self._buffer) < MAX_WAITING_BYTES and self._lingered < MAX_LINGER_BYTES
        if self._is_reading == wants_more or self.phase is Phase.CLOSED or self._has_ended:
            return
        self._is_reading = wants_more
        if wants_more:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # A request.

    def _read_head(self) -> None:
        head = self._head_reader.take(self._buffer)
        if head is None:
            if self._has_ended or self._is_last:
                self._close()
            return
        self._head = head
        self._body = Body(head, self._on_body_wanted, self._owner.body_grew)
        request = self._owner.proxies.resolve(
            Request("http", head.method, head.path, head.headers, self._peer.address, self._body)
        )
        if request.client != self._peer.address:
            self.client_group = sharing_group(request.client)
        self._enter(Phase.BODY)
        self._read_body()
        if self.phase is Phase.BODY:
            # A handler that wants no body may be taking a message, whatever becomes of the body (`_on_body_wanted`).
            self._enter(Phase.ANSWER)
        if self.phase is Phase.ANSWER:
            self._task = self._loop.create_task(self._answer(request))

    def _read_body(self) -> None:
        """Receive a part of the body: the handler gets it in the phase BODY; in SKIP it is dropped."""
        body = self._body
        assert body is not None  # noqa: S101 - there is a request
        if self._transport.is_closing() or self._peer.has_reset():  # a reader who has left takes nothing
            self.drop()
            return
        if not body.is_complete and not body.is_full:
            body.receive(self._buffer)
        if self.phase not in (Phase.BODY, Phase.SKIP):  # refused, to make room for other bodies
            return
        if body.is_complete and self.phase is Phase.BODY:
            self._enter(Phase.ANSWER)
        elif body.is_complete:
            self._next_request()
        elif self._buffer and body.is_behind:
            self._schedule()
        elif self._has_ended and not (self._buffer and body.is_full):
            if self.phase is Phase.BODY:
                raise Refusal
            self._close()  # the request has had its response

    def _on_body_wanted(self) -> None:
        """The handler waits for more of the body."""
        assert self._body is not None  # noqa: S101
        if self.phase is Phase.ANSWER:
            self._enter(Phase.BODY)
        if self._body.owes_continue:
            self._body.owes_continue = False
            self._transport.write(CONTINUE)
        if self._buffer or self._has_ended:
            self._schedule()

    async def _answer(self, request: Request) -> None:
        """Run the handler, and respond unless the request was abandoned meanwhile."""
        try:
            response = await self._owner.handle(request)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the client gets a 500 for any of them
            if asyncio.current_task(self._loop) is not self._task:
                return
            response = error_response(error if isinstance(error, Exception) else RuntimeError())
        if asyncio.current_task(self._loop) is not self._task:
            return
        self._write_response(response)
        if response.stream is None or await self._stream(response.stream, int(response.headers["Content-Length"])):
            self._task = None
            self._response_written()

    def _write_response(self, response: Response) -> None:
        head, body = self._head, self._body
        assert head is not None  # noqa: S101
        assert body is not None  # noqa: S101
        self._is_last |= self._owner.is_stopping or not head.keep_alive or not body.is_worth_skipping
        body.discard()
        try:
            data = response_bytes(response, is_head=head.method == "HEAD", keep_alive=not self._is_last)
        except Exception:  # a bug: no response is better than a connection that waits for ever
            self.drop()
            raise
        self._transport.write(data)

    async def _stream(self, stream: AsyncIterable[bytes], length: int) -> bool:
        """Send a body in pieces, each one when the client has taken the one before; False if the connection has ended.

        The client knows the length. If the pieces end before it, the connection ends, too: nobody takes less for all.
        """
        self._enter(Phase.STREAM)
        pieces = aiter(stream)
        try:
            async for piece in pieces:
                length -= len(piece)
                await self._taken()
                self._transport.write(piece)
                self._unsent, self.progress_at = self._transport.get_write_buffer_size(), self._loop.time()
        except Exception as error:  # noqa: BLE001 - whatever it was, the client gets no more
            error_response(error)  # it cannot be sent any more; this tells the log
            length = -1
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
        if length:
            self.drop()
        return not length

    async def _taken(self) -> None:
        """Return when the system has taken what was written."""
        while self._is_congested:
            self._writable = self._loop.create_future()
            await self._writable

    def _response_written(self) -> None:
        if self._is_congested:
            self._enter(Phase.FLUSH)
            self._unsent = self._transport.get_write_buffer_size()
        else:
            self._response_taken()
            self._read_or_pause()

    def _response_taken(self) -> None:
        assert self._body is not None  # noqa: S101
        if self._is_last:
            self._start_lingering()
        elif self._body.is_complete:
            self._next_request()
        else:
            self._enter(Phase.SKIP)
            self._schedule()

    def _next_request(self) -> None:
        self._head = self._body = None
        self.client_group = self._peer.group
        self._enter(Phase.HEAD)
        if self._buffer or self._has_ended:
            self._schedule()

    def _abandon_request(self) -> None:
        """Cancel the handler. A command that the store has not begun is not carried out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._body is not None:
            self._body.discard()

    # The end.

    def refuse(self, error: ApiError) -> None:
        """Tell the client why its bytes, or its connection, are refused, and end the connection."""
        self._abandon_request()
        self._transport.write(response_bytes(api_error_response(error), is_head=False, keep_alive=False))
        self._start_lingering()

    def _start_lingering(self) -> None:
        """Finish sending, and drop what still arrives until the client closes.

        If the connection were closed with unread bytes, the system would reset it, and the client could lose the
        response (RFC 9112, section 9.6).
        """
        self._enter(Phase.LINGER)
        with suppress(OSError):  # the client has just reset it
            self._transport.write_eof()
        self._linger()

    def _linger(self) -> None:
        self._lingered += len(self._buffer)
        self._buffer.clear()
        if self._has_ended:
            self._close()

    def _close(self) -> None:
        self._enter(Phase.CLOSED)
        self._transport.close()
