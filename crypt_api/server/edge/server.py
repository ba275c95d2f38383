"""The server: listens, caps the connections, drops the overdue ones, and stops without losing a request."""

import asyncio
import heapq
import os
import socket
import sys
from collections import Counter
from functools import lru_cache

from crypt_api.server.edge.connection import Connection
from crypt_api.server.edge.limits import (
    BACKLOG,
    EVICTION_SHARE,
    GRACE_SECONDS,
    MAX_BODY_MEMORY,
    READ_BUFFER_BYTES,
    SPARE_DESCRIPTORS,
    Limits,
)
from crypt_api.server.edge.owner import Handle
from crypt_api.server.edge.phase import Phase
from crypt_core.errors import SettingsError
from crypt_core.limits.addresses import client_group

EVICTION_ORDER = (Phase.LINGER, Phase.HEAD, Phase.SKIP, Phase.BODY, Phase.FLUSH)
"""The phases that wait for the client, from the one with the least to lose to the one with the most. In ANSWER, a
message may be on its way from the store: a connection in that phase is never dropped for another one."""

_group = lru_cache(10_000)(client_group)


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is opened.

    Raises:
        SettingsError: The address is in use, not of this machine, or no address at all.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":  # elsewhere, it would let a second server take the same address
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
        self._evictable: list[Connection] = []  # the next one to be dropped is the last
        self._body_memory = 0
        self._are_closed: asyncio.Future[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections."""
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            lambda: Connection(self, self._loop), sock=listener, backlog=BACKLOG
        )
        self._drop_overdue()

    async def stop(self) -> None:
        """Accept nothing more; answer what is in flight, for 30 seconds at most; then end all connections."""
        self.is_stopping = True
        self._server.close()
        for connection in list(self.connections):
            connection.stop()
        if self.connections:
            self._are_closed = self._loop.create_future()
            await asyncio.wait([self._are_closed], timeout=GRACE_SECONDS)
        self._timer.cancel()
        for connection in list(self.connections):
            connection.drop()

    # What a connection calls.

    def opened(self, connection: Connection) -> bool:
        """Count a new connection, and drop another one if there are too many; False if none can be dropped."""
        self.connections.add(connection)
        while len(self.connections) > self._max_connections:
            victim = self._next_evicted(connection)
            if victim is None:
                return False
            self.connections.discard(victim)  # now, and not when its end has come
            victim.drop()
        return True

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._are_closed is not None and not self._are_closed.done():
            self._are_closed.set_result(None)

    def body_grew(self, size: int) -> None:
        """Count the memory of bodies. If it is too much, the client that has the most of it loses its largest body."""
        self._body_memory += size
        if size > 0 and self._body_memory > MAX_BODY_MEMORY:
            self._drop_largest_body()

    # Who must go.

    def _next_evicted(self, new: Connection) -> Connection | None:
        """The connection that makes room for a new one; None if all of them have a request that is being answered."""
        if not self._evictable:
            self._evictable = self._chosen_for_eviction(new)
        while self._evictable:
            connection = self._evictable.pop()
            if connection in self.connections and connection.phase in EVICTION_ORDER:
                return connection
        return None

    def _chosen_for_eviction(self, new: Connection) -> list[Connection]:
        """Some connections of the clients that have most of them, and of these, the ones that have least to lose."""
        of_client = Counter(_group(connection.client) for connection in self.connections)

        def rank(connection: Connection) -> tuple[int, int, float]:
            others = of_client[_group(connection.client)]
            return -others, EVICTION_ORDER.index(connection.phase), connection.since

        waiting = (c for c in self.connections if c.phase in EVICTION_ORDER and c is not new)
        return heapq.nsmallest(self._max_connections // EVICTION_SHARE + 1, waiting, key=rank)[::-1]

    def _drop_largest_body(self) -> None:
        uploads = [connection for connection in self.connections if connection.phase is Phase.BODY]
        of_client: Counter[str] = Counter()
        for upload in uploads:
            of_client[_group(upload.client)] += upload.body_memory
        largest = max(uploads, key=lambda c: (of_client[_group(c.client)], c.body_memory), default=None)
        if largest is not None:
            largest.drop()

    def _drop_overdue(self) -> None:
        """Drop the connections whose clients have used up their time, now and regularly from now on."""
        self._timer = self._loop.call_later(min(1.0, self.idle_timeout / 4), self._drop_overdue)
        self._evictable.clear()  # their clients may have done something since
        now = self._loop.time()
        for connection in [c for c in self.connections if c.is_overdue(now)]:
            connection.drop()


def ensure_descriptors(max_connections: int) -> None:
    """Raise this process's limit of open files to what the connections need.

    Raises:
        SettingsError: The system does not allow so many.
    """
    if sys.platform == "win32":
        return  # it has no such limit
    import resource  # noqa: PLC0415 - not there on Windows

    needed = max_connections + BACKLOG + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        raise SettingsError(
            f"MAX_CONNECTIONS of {max_connections} needs {needed} open files, and this process may have {hard}"
        ) from None
