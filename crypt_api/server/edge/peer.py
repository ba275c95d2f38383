"""The other end of a connection."""

import asyncio
import socket
import sys

_TCP_CLOSED = 7
"""`TCP_CLOSE` in Linux' `tcp_states.h`: the state of a connection that was reset."""


class Peer:
    """The client at the other end, or the proxy in front of it.

    Attributes:
        address: Empty if the connection is already lost, or is a Unix socket.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        name = transport.get_extra_info("peername")
        self.address: str = name[0] if isinstance(name, tuple) else ""
        # A second object for the transport's descriptor. (uvloop would make a new one for each look.)
        self._socket: socket.socket | None = None
        if sys.platform == "linux":
            self._socket = socket.socket(fileno=transport.get_extra_info("socket").fileno())

    def has_reset(self) -> bool:
        """Whether the connection was reset. asyncio tells it only after the bytes that came before the reset."""
        if sys.platform != "linux" or self._socket is None:
            return False
        try:
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSED
        except OSError:
            return False  # a Unix socket

    def forget(self) -> None:
        """Let go of the descriptor, which the transport closes."""
        if self._socket is not None:
            self._socket.detach()
            self._socket = None
