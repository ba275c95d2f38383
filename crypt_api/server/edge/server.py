"""The server: listens, caps the connections, drops the overdue ones, and stops without losing a request."""

import asyncio
import logging
import resource
import signal
import socket

from crypt_api.server.edge.connection import Connection, Handle, Phase
from crypt_api.server.edge.limits import (
    GRACE_SECONDS,
    MAX_BODY_MEMORY,
    READ_BUFFER_BYTES,
    SPARE_DESCRIPTORS,
    Limits,
)
from crypt_core.errors import SettingsError

logger = logging.getLogger(__name__)

BACKLOG = 2_048
"""Connections that the system accepts before the server does."""


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is opened.

    Raises:
        SettingsError: The address is in use, not of this machine, or no address at all.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"cannot listen on {host} port {port}: {reason}") from None
    return listener


class Server:
    """The connections of one listening address."""

    def __init__(self, handle: Handle, limits: Limits) -> None:
        """`handle` answers the requests."""
        self.handle = handle
        self.idle_timeout = limits.idle_timeout
        self.is_stopping = False
        self.read_buffer = memoryview(bytearray(READ_BUFFER_BYTES))
        self.connections: set[Connection] = set()
        self._max_connections = limits.max_connections
        self._body_memory = 0
        self._are_closed: asyncio.Future[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self, loop), sock=listener, backlog=BACKLOG)
        self._sweeper = asyncio.create_task(self._drop_overdue_forever())

    async def stop(self) -> None:
        """Accept nothing more; answer what is in flight, for 30 seconds at most; then end all connections."""
        self.is_stopping = True
        self._server.close()
        for connection in list(self.connections):
            connection.stop()
        if self.connections:
            self._are_closed = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._are_closed], timeout=GRACE_SECONDS)
        self._sweeper.cancel()
        for connection in list(self.connections):
            connection.drop()

    # What a connection calls.

    def opened(self, connection: Connection) -> bool:
        """Count a new connection. If there are too many, the one that has waited longest for its client makes room."""
        self.connections.add(connection)
        if len(self.connections) <= self._max_connections:
            return True
        return self._drop_longest_waiting(exempt=connection)

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._are_closed is not None and not self._are_closed.done():
            self._are_closed.set_result(None)

    def received(self, connection: Connection, size: int) -> None:
        """Count the bytes of unfinished bodies. If there are too many, the oldest unfinished body is dropped."""
        self._body_memory += size
        if size > 0 and self._body_memory > MAX_BODY_MEMORY:
            uploads = [c for c in self.connections if c.phase is Phase.BODY and c.body_bytes]
            min(uploads, key=lambda c: c.since, default=connection).drop()

    def _drop_longest_waiting(self, exempt: Connection) -> bool:
        waiting = (c for c in self.connections if c.waits_for_client and c is not exempt)
        longest = min(waiting, key=lambda c: c.since, default=None)
        if longest is None:
            return False
        longest.drop()
        self.connections.discard(longest)  # its end is on its way, and it must not be chosen again
        return True

    async def _drop_overdue_forever(self) -> None:
        loop = asyncio.get_running_loop()
        interval = min(1.0, self.idle_timeout / 4)
        while True:
            await asyncio.sleep(interval)
            now = loop.time()
            for connection in [c for c in self.connections if c.is_overdue(now)]:
                connection.drop()


def ensure_descriptors(max_connections: int) -> None:
    """Raise this process's limit of open files to what the connections need.

    Raises:
        SettingsError: The system does not allow so many.
    """
    needed = max_connections + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SettingsError(
            f"MAX_CONNECTIONS of {max_connections} needs {needed} open files, and this process may have {hard}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def stop_event() -> asyncio.Event:
    """An event of the running loop that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
