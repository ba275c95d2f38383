"""The listening socket: its address is taken before the store is opened, and clients can connect afterwards."""

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable

from crypt_api.server.edge.limits import (
    ACCEPT_PAUSE_SECONDS,
    ACCEPTS_AT_ONCE,
    BACKLOG,
    SOCKET_BUFFER_BYTES,
    SPARE_DESCRIPTORS,
)
from crypt_core.setting_values import SettingsError

logger = logging.getLogger(__name__)

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def listen(host: str, port: int) -> socket.socket:
    """Take the address; nobody can connect until an `Acceptor` is there.

    `::` takes IPv4, too, whatever the system's default is; on a system without IPv6 it is `0.0.0.0`.

    Raises:
        SettingsError: The address is in use, not of this machine, or no address at all.
    """
    try:
        if host == "::" and not socket.has_dualstack_ipv6():
            host = "0.0.0.0"  # noqa: S104
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        if host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if os.name == "posix":  # elsewhere, it would let a second server take the same address
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # its connections inherit them
            listener.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"cannot listen on {host} port {port}: {reason}") from None
    return listener


class Acceptor:
    """Accepts the connections of a listener."""

    def __init__(self, listener: socket.socket, on_connection: Callable[[socket.socket, object], None]) -> None:
        """Begin, in the running event loop. `on_connection` gets each connection's socket, and its peer's address."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._on_connection = on_connection
        self._is_closed = False
        listener.setblocking(False)  # noqa: FBT003
        listener.listen(BACKLOG)
        self._resume()

    def close(self) -> None:
        self._is_closed = True
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        """Accept some of the connections that wait."""
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except OSError as error:  # also that none waits, or that the client has gone away
                if error.errno in _NO_ROOM:
                    self._pause(error)
                return
            connection.setblocking(False)  # noqa: FBT003
            self._on_connection(connection, address)

    def _pause(self, error: OSError) -> None:
        logger.warning("cannot accept connections: %s", error.strerror)
        self._loop.remove_reader(self._listener)
        self._loop.call_later(ACCEPT_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self._listener, self._accept)


def fill_standard_descriptors() -> None:
    """Open those of stdin, stdout and stderr that are closed, so that no socket and no file gets their numbers.

    What is written to stderr would go to a client or into the database, and uvloop ends the process when it closes one.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - stderr's
        pass
    os.close(descriptor)


def ensure_descriptors(max_connections: int) -> None:
    """Raise this process's limit of open files to what the connections need: a socket, and a part of a file at a time.

    Raises:
        SettingsError: The system does not allow so many.
    """
    if sys.platform == "win32":
        return  # it has no such limit
    import resource  # noqa: PLC0415 - not there on Windows

    needed = 2 * max_connections + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        raise SettingsError(
            f"MAX_CONNECTIONS of {max_connections} needs {needed} open files, and this process may have {hard}"
        ) from None
