"""One connection: one request at a time, and an explicit phase that says what is waited for, and by whom."""

import asyncio
import re
import socket
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Protocol, cast

from crypt_api.server.edge.body import Body, ChunkedDecoder, LengthDecoder
from crypt_api.server.edge.call import Call
from crypt_api.server.edge.head import Head, Refusal, parse_head
from crypt_api.server.edge.limits import (
    BODY_TIMEOUTS,
    LINGER_SECONDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    MAX_LINGER_BYTES,
    MAX_SKIPPED_BYTES,
    MAX_WAITING_BYTES,
    RETRY_AFTER,
)
from crypt_api.server.edge.responses import CONTINUE, refusal_response, response_bytes
from crypt_core.http.error_responses import error_response
from crypt_core.http.types import Request, Response

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers a request, whose client is the peer of the connection."""

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")

_TCP_CLOSED = 7
"""`TCP_CLOSE` of Linux' `tcp_states.h`: the state of a connection that was reset."""


class Phase(Enum):
    """What the connection waits for."""

    HEAD = auto()  # the client: its next request
    BODY = auto()  # the client: the rest of the body, and the handler
    ANSWER = auto()  # the handler
    FLUSH = auto()  # the client: it takes the response
    SKIP = auto()  # the client: the rest of a body that nobody wants
    LINGER = auto()  # the client: it closes, after it got the last response
    CLOSED = auto()


class Owner(Protocol):
    """The server, as a connection sees it."""

    idle_timeout: float
    is_stopping: bool
    handle: Handle
    read_buffer: memoryview

    def opened(self, connection: "Connection") -> bool:
        """Count a new connection; False if there is no room for it."""
        ...

    def closed(self, connection: "Connection") -> None: ...

    def received(self, connection: "Connection", size: int) -> None:
        """Count bytes of an unfinished body; negative ones when it is finished."""
        ...


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection.

    Attributes:
        phase: What the connection waits for.
        since: Loop time in seconds at which the phase began.
        progress_at: Loop time in seconds at which the client last did what is waited for.
    """

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._buffer = bytearray()
        self._has_blank_line = False  # before the head
        self._searched = 0  # bytes of the buffer in which the head does not end
        self._has_ended = False  # the client has sent all that it will send
        self._is_congested = False
        self._is_reading = True
        self._is_scheduled = False
        self._body: Body | None = None
        self._decoder: LengthDecoder | ChunkedDecoder | None = None
        self._head: Head | None = None
        self._call: Call[Response] | None = None
        self._close_after = False
        self._unsent = 0
        self.body_bytes = 0
        self._enter(Phase.HEAD)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)  # one response at a time: congested means not taken yet
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._socket: socket.socket | None = socket.socket(fileno=transport.get_extra_info("socket").fileno())
        if not self._owner.opened(self):
            refusal = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections")
            response = refusal_response(refusal, {"Retry-After": RETRY_AFTER})
            self._transport.write(response_bytes(response, is_head=False, keep_alive=False))
            self._close()
        elif self._owner.is_stopping:  # accepted before the server stopped to listen
            self.stop()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._cancel_call()
        self._enter(Phase.CLOSED)
        self._forget_body()
        if self._socket is not None:
            self._socket.detach()  # the transport closes it
            self._socket = None
        self._owner.closed(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._owner.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.progress_at = self._loop.time()
        if self.phase is Phase.HEAD and not self._buffer:
            self.since = self.progress_at  # the time for a head begins with its first byte
        self._buffer += self._owner.read_buffer[:nbytes]
        self._advance_unless_scheduled()

    def eof_received(self) -> bool:
        """The client has sent everything, and still gets its responses."""
        self._has_ended = True
        self._advance_unless_scheduled()
        return self.phase is not Phase.CLOSED

    def pause_writing(self) -> None:
        self._is_congested = True

    def resume_writing(self) -> None:
        self._is_congested = False
        if self.phase is Phase.FLUSH:
            self._response_taken()

    # What the server calls.

    def is_overdue(self, now: float) -> bool:
        """Whether the client has used up its time for what it is waited for."""
        idle = self._owner.idle_timeout
        match self.phase:
            case Phase.HEAD | Phase.CLOSED:
                return now - self.since > idle
            case Phase.BODY | Phase.SKIP:
                return now - self.progress_at > idle or now - self.since > idle * BODY_TIMEOUTS
            case Phase.FLUSH:
                unsent = self._transport.get_write_buffer_size()
                if unsent < self._unsent:
                    self._unsent, self.progress_at = unsent, now
                return now - self.progress_at > idle or now - self.since > idle * BODY_TIMEOUTS
            case Phase.LINGER:
                return now - self.since > LINGER_SECONDS
        return False

    @property
    def waits_for_client(self) -> bool:
        """Whether dropping the connection takes no request that the service works on."""
        return self.phase not in (Phase.ANSWER, Phase.CLOSED)

    def drop(self) -> None:
        """End the connection at once."""
        self._cancel_call()
        self._transport.abort()

    def stop(self) -> None:
        """End the connection as soon as the request in flight, if there is one, has its response."""
        self._close_after = True
        if self.phase is Phase.HEAD:
            self._close()

    # The phases.

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self.progress_at = self._loop.time()

    def _schedule(self) -> None:
        """Go on with what is in the buffer in another turn of the event loop: other connections come first."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._advance)

    def _advance_unless_scheduled(self) -> None:
        if self._is_scheduled:
            self._read_or_pause()
        else:
            self._advance()

    def _advance(self) -> None:
        """Do what the bytes in the buffer allow: one request at most, and a bounded part of its body."""
        self._is_scheduled = False
        try:
            if self.phase is Phase.HEAD:
                self._read_head()
            elif self.phase in (Phase.BODY, Phase.SKIP):
                self._read_body()
            elif self.phase is Phase.LINGER:
                self._linger()
        except Refusal as refusal:
            self._refuse(refusal)
        self._read_or_pause()

    def _read_or_pause(self) -> None:
        is_behind = self._is_scheduled and self.phase in (Phase.BODY, Phase.SKIP)
        wants_more = len(self._buffer) < MAX_WAITING_BYTES and not is_behind
        if self._is_reading == wants_more or self.phase is Phase.CLOSED or self._has_ended:
            return
        self._is_reading = wants_more
        if wants_more:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _read_head(self) -> None:
        data = self._take_head()
        if data is None:
            if self._has_ended:
                self._close()
            return
        head = parse_head(data)
        self._head = head
        self._body = Body(self._write_continue if head.expects_continue else None)
        self._decoder = ChunkedDecoder() if head.length is None else LengthDecoder(head.length)
        self._enter(Phase.BODY)
        self._read_body()
        if self._is_reset():
            self.drop()
            return
        request = Request("http", head.method, head.path, head.headers, self._peer, self._body)
        self._call = Call(self._owner.handle(request), self._respond, self._failed)
        self._call.start()

    def _take_head(self) -> bytes | None:
        """Take a whole head from the buffer; None if it has not arrived.

        Raises:
            Refusal: The head is too large, or has a line that ends by a bare CR or LF.
        """
        buffer = self._buffer
        if buffer.startswith(b"\r\n") and not self._has_blank_line:
            del buffer[:2]  # RFC 9112, section 2.2: an empty line before a request is ignored
            self._has_blank_line = True
        end = buffer.find(b"\r\n\r\n", max(self._searched - 3, 0), MAX_HEAD_BYTES)
        if end >= 0:
            head = bytes(buffer[: end + 4])
            del buffer[: end + 4]
            self._searched, self._has_blank_line = 0, False
            if not head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r"):
                raise Refusal
            return head
        if _BARE_LINE_FEED.search(buffer, self._searched):
            raise Refusal
        self._searched = len(buffer)
        if len(buffer) >= MAX_HEAD_BYTES:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header fields too large")
        if len(buffer) > MAX_LINE_BYTES and b"\r\n" not in buffer[:MAX_LINE_BYTES]:
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "URI too long")
        return None

    def _read_body(self) -> None:
        assert self._decoder is not None  # noqa: S101 - the phase says so
        chunk = self._decoder.take(self._buffer)
        if self.phase is Phase.BODY and self._body is not None:
            if chunk:
                self._count_body(len(chunk))
                self._body.add(chunk)
            if self._decoder.is_complete:
                self._enter(Phase.ANSWER)
                self._body.complete()
        elif self._decoder.is_complete:
            self._next_request()
            return
        if not self._decoder.is_complete:
            if self._buffer and self._decoder.is_behind:
                self._schedule()
            elif self._has_ended:
                raise Refusal

    def _write_continue(self) -> None:
        self._transport.write(CONTINUE)

    def _respond(self, response: Response) -> None:
        head, decoder = self._head, self._decoder
        assert head is not None  # noqa: S101
        assert decoder is not None  # noqa: S101
        self._call = None
        is_worth_skipping = decoder.is_complete or (decoder.remaining or MAX_SKIPPED_BYTES + 1) <= MAX_SKIPPED_BYTES
        self._close_after |= self._owner.is_stopping or not head.keep_alive or not is_worth_skipping
        self._forget_body()
        self._transport.write(response_bytes(response, is_head=head.method == "HEAD", keep_alive=not self._close_after))
        self._enter(Phase.FLUSH)
        self._unsent = self._transport.get_write_buffer_size()
        if not self._is_congested:
            self._response_taken()

    def _failed(self, error: BaseException) -> None:
        """Answer for a handler that raised something: a bug."""
        self._respond(error_response(error if isinstance(error, Exception) else RuntimeError()))

    def _response_taken(self) -> None:
        assert self._decoder is not None  # noqa: S101
        if not self._decoder.is_complete and not self._close_after:
            self._enter(Phase.SKIP)
            self._schedule()
        elif self._close_after and self._decoder.is_complete:
            self._close()
        elif self._close_after:
            self._start_lingering()
        else:
            self._next_request()

    def _next_request(self) -> None:
        self._head = self._body = self._decoder = None
        if self._close_after:
            self._close()
            return
        self._enter(Phase.HEAD)
        if self._buffer or self._has_ended:
            self._schedule()
        else:
            self._read_or_pause()

    def _refuse(self, refusal: Refusal) -> None:
        """Tell the client that its bytes are no request, and end the connection."""
        self._cancel_call()
        self._forget_body()
        self._transport.write(response_bytes(refusal_response(refusal), is_head=False, keep_alive=False))
        self._start_lingering()

    def _start_lingering(self) -> None:
        """Close this side, and wait for the client to close the other one."""
        self._enter(Phase.LINGER)
        self._lingered = 0
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._linger()

    def _linger(self) -> None:
        self._lingered += len(self._buffer)
        self._buffer.clear()
        if self._has_ended or self._lingered > MAX_LINGER_BYTES:
            self._close()

    def _close(self) -> None:
        self._enter(Phase.CLOSED)
        self._transport.close()

    # The rest.

    def _cancel_call(self) -> None:
        """Stop the handler. A command that the store has not taken yet takes nothing."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _count_body(self, size: int) -> None:
        self.body_bytes += size
        self._owner.received(self, size)

    def _forget_body(self) -> None:
        if self.body_bytes:
            self._count_body(-self.body_bytes)

    def _is_reset(self) -> bool:
        """Whether the client has reset the connection although its request is still there to be read."""
        if self._socket is None or not hasattr(socket, "TCP_INFO"):
            return False
        try:
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSED
        except OSError:
            return False  # not TCP
