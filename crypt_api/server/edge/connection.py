"""One connection: one request at a time, and always in one phase, which says what is waited for, and by whom."""

import asyncio
from contextlib import suppress
from typing import cast

from crypt_api.server.edge.body import Body
from crypt_api.server.edge.call import Call
from crypt_api.server.edge.head import Head, HeadReader, Refusal
from crypt_api.server.edge.limits import BODY_TIMEOUTS, LINGER_SECONDS, MAX_LINGER_BYTES, MAX_WAITING_BYTES
from crypt_api.server.edge.owner import Owner
from crypt_api.server.edge.peer import Peer
from crypt_api.server.edge.phase import Phase
from crypt_api.server.edge.responses import CONTINUE, response_bytes
from crypt_core.http.errors import ApiError, TooManyConnections, api_error_response, error_response
from crypt_core.http.types import Request, Response


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection.

    Attributes:
        phase: What the connection waits for.
        since: Loop time in seconds at which the phase began.
        progress_at: Loop time in seconds at which the client last did what is waited for.
        client_group: What counts as one client.
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
        self._call: Call[Response] | None = None
        self._enter(Phase.HEAD)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)  # one response at a time: congested means not taken yet
        if not self._owner.opened(self):
            self._refuse(TooManyConnections())
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
        self._advance_in_turn()

    # What the server calls.

    def is_overdue(self, now: float) -> bool:
        """Whether the client has used up its time for what it is waited for."""
        idle = self._owner.idle_timeout
        match self.phase:
            case Phase.ANSWER:
                return False
            case Phase.HEAD | Phase.CLOSED:
                return now - self.since > idle
            case Phase.LINGER:
                return now - self.since > LINGER_SECONDS
            case Phase.FLUSH:
                unsent = self._transport.get_write_buffer_size()
                if unsent < self._unsent:
                    self._unsent, self.progress_at = unsent, now
        return now - self.progress_at > idle or now - self.since > idle * BODY_TIMEOUTS

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
        """Go on, as scheduled."""
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
        """Go on with what is in the buffer in another turn of the event loop: other connections come first."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._owner.turns.wait(self)

    def _advance_in_turn(self) -> None:
        """Go on now if the server lets this connection, and as soon as it is its turn otherwise."""
        if not self._is_scheduled and self._owner.turns.take(self):
            self._advance()
        else:
            self._schedule()
            self._read_or_pause()

    def _advance(self) -> None:
        """Do what the phase allows by now: one request at most, and a bounded part of its body."""
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
            self._refuse(refusal)
        self._read_or_pause()

    def _read_or_pause(self) -> None:
        """Read on unless enough bytes wait, or were dropped, already."""
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
        self._enter(Phase.BODY)
        self._read_body()
        if self.phase is not Phase.CLOSED:
            request = Request("http", head.method, head.path, head.headers, self._peer.address, self._body)
            self._call = Call(self._owner.handle(request), self._respond, self._respond_to_bug)
            self._call.start()

    def _read_body(self) -> None:
        """Receive a part of the body: for the handler in the phase BODY, for nobody in the phase SKIP."""
        body = self._body
        assert body is not None  # noqa: S101 - there is a request
        if self._transport.is_closing() or self._peer.has_reset():  # a reader who has left takes nothing
            self.drop()
            return
        if not body.is_complete and not body.is_full:
            body.receive(self._buffer)
        if self.phase is Phase.CLOSED:  # dropped, to make room for other bodies
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
        if self._body.owes_continue:
            self._body.owes_continue = False
            self._transport.write(CONTINUE)
        if self._buffer:
            self._schedule()

    def _respond(self, response: Response) -> None:
        head, body, self._call = self._head, self._body, None
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
        if self._is_congested:
            self._enter(Phase.FLUSH)
            self._unsent = self._transport.get_write_buffer_size()
        else:
            self._response_taken()
            self._read_or_pause()

    def _respond_to_bug(self, error: BaseException) -> None:
        """Respond for a handler that raised something."""
        self._respond(error_response(error if isinstance(error, Exception) else RuntimeError()))

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
        self._enter(Phase.HEAD)
        if self._buffer or self._has_ended:
            self._schedule()

    def _abandon_request(self) -> None:
        """Stop the handler. A command that the store has not taken yet takes nothing."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
        if self._body is not None:
            self._body.discard()

    # The end.

    def _refuse(self, error: ApiError) -> None:
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
