"""The other end of a connection."""

import socket
import sys
from functools import lru_cache

from crypt_core.limits.addresses import client_groups

_TCP_CLOSED = 7
"""`TCP_CLOSE` in Linux' `tcp_states.h`: the state of a connection that was reset."""


@lru_cache(10_000)
def sharing_group(address: str) -> str:
    """What has one share of the server: an IPv4 address, or an IPv6 network (/48), whose owner has 2^80 addresses."""
    return client_groups(address)[-1]


class Peer:
    """The client at the other end, or the proxy in front of it.

    Attributes:
        address: Empty for a Unix socket.
        group: What has one share of the server. Each connection of a trusted proxy has its own, until its request says
            whose it is.
    """

    def __init__(self, sock: socket.socket, address: object, *, is_proxy: bool) -> None:
        """`sock` belongs to the connection's transport. `address` is what accepting has given."""
        self._socket = sock
        self.address: str = address[0] if isinstance(address, tuple) else ""
        self.group = f"proxy {address}" if is_proxy else sharing_group(self.address)

    def has_reset(self) -> bool:
        """Whether the connection was reset. asyncio tells it only after the bytes that came before the reset."""
        if sys.platform != "linux":
            return False
        try:
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSED
        except OSError:
            return False  # a Unix socket
