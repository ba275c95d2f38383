"""The server: caps the connections, drops the overdue ones, and stops without losing a request."""

import asyncio
import socket
from collections import deque

from crypt_api.server.edge.connection import Connection, Handle
from crypt_api.server.edge.eviction import is_evictable, largest_body, next_evicted
from crypt_api.server.edge.limits import (
    EVICTION_SHARE,
    GRACE_SECONDS,
    MAX_BODY_MEMORY,
    READ_BUFFER_BYTES,
    Limits,
)
from crypt_api.server.edge.listening import Acceptor
from crypt_api.server.edge.peer import Peer
from crypt_api.server.edge.turns import Turns
from crypt_api.server.trusted_proxies import TrustedProxies
from crypt_core.http.errors import TooManyConnections

_NO_PROXIES = TrustedProxies()


class Server:
    """The connections of one listening address."""

    def __init__(self, handle: Handle, limits: Limits, proxies: TrustedProxies = _NO_PROXIES) -> None:
        """`handle` answers the requests. Behind the operator's own proxies, a request's client is what they say."""
        self.handle = handle
        self.proxies = proxies
        self.idle_timeout = limits.idle_timeout
        self.is_stopping = False
        self.turns = Turns()
        self.read_buffer = memoryview(bytearray(READ_BUFFER_BYTES))
        self.connections: set[Connection] = set()
        self._opening: set[asyncio.Task[tuple[asyncio.Transport, Connection]]] = set()  # the loop itself keeps no task
        self._max_connections = limits.max_connections
        self._evictable: deque[tuple[Connection, float]] = deque()  # to be dropped next, if they still wait since then
        self._body_memory = 0
        self._are_closed: asyncio.Future[None] | None = None

    def start(self, listener: socket.socket) -> None:
        """Accept connections, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._acceptor = Acceptor(listener, self._accepted)
        self._drop_overdue()

    async def stop(self) -> None:
        """Accept nothing more; answer what is in flight, for 30 seconds at most; then end all connections."""
        self.is_stopping = True
        self._acceptor.close()
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
            evicted = self._evicted_for(connection)
            if evicted is None:
                return False
            self.connections.discard(evicted)  # now, and not when its end has come
            evicted.drop()
        return True

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._are_closed is not None and not self._are_closed.done():
            self._are_closed.set_result(None)

    def body_grew(self, size: int) -> None:
        """Count the memory of bodies. If it is too much, the client that has the most of it loses its largest body."""
        self._body_memory += size
        if size > 0 and self._body_memory > MAX_BODY_MEMORY:
            largest = largest_body(self.connections)
            if largest is not None:
                largest.refuse(TooManyConnections())

    # The rest.

    def _accepted(self, sock: socket.socket, address: object) -> None:
        is_proxy = isinstance(address, tuple) and self.proxies.trust(address[0])
        connection = Connection(self, self._loop, Peer(sock, address, is_proxy=is_proxy))
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: connection, sock))
        self._opening.add(task)
        task.add_done_callback(self._has_opened)

    def _has_opened(self, task: asyncio.Task[tuple[asyncio.Transport, Connection]]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            task.exception()  # an error has closed the socket, and is nobody's fault

    def _evicted_for(self, new: Connection) -> Connection | None:
        """The connection that makes room for a new one; None if all of them have a request that is being answered."""
        if not self._evictable:
            chosen = next_evicted(self.connections, new, self._max_connections // EVICTION_SHARE + 1)
            self._evictable.extend((connection, connection.since) for connection in chosen)
        while self._evictable:
            connection, since = self._evictable.popleft()
            if connection in self.connections and is_evictable(connection) and connection.since == since:
                return connection
        return None

    def _drop_overdue(self) -> None:
        """Drop the connections whose clients have used up their time, soon and regularly from now on.

        If the server itself was held up, their bytes may wait to be read. Timers can come before them, and what is
        called in the turn after the next one cannot.
        """
        self._timer = self._loop.call_later(min(1.0, self.idle_timeout / 4), self._drop_overdue)
        self._loop.call_soon(self._loop.call_soon, self._drop_overdue_now)

    def _drop_overdue_now(self) -> None:
        self._evictable.clear()  # their clients may have done something since
        now = self._loop.time()
        for connection in [c for c in self.connections if c.is_overdue(now)]:
            connection.time_out()
