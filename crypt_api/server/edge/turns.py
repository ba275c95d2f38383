"""Shares the event loop: its turns stay short, and busy clients take turns."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from crypt_api.server.edge.limits import TURN_SECONDS, TURNS_AT_ONCE


class Waiting(Protocol):
    """A connection that has something to do."""

    @property
    def client_group(self) -> str:
        """What counts as one client."""
        ...

    def take_turn(self) -> None: ...


class Turns:
    """Lets clients take turns (round robin); a client's connections go in the order in which they came."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._left = TURNS_AT_ONCE
        self._queues: dict[str, deque[Waiting]] = {}  # by client; the first one is next
        self._is_scheduled = False

    def take(self, connection: Waiting) -> bool:
        """Whether the connection may go on at once: its client has no other in the queue, and this turn has room."""
        self._left -= 1
        return self._left >= 0 and connection.client_group not in self._queues

    def wait(self, connection: Waiting) -> None:
        """Call `connection.take_turn` in another turn of the event loop."""
        self._queues.setdefault(connection.client_group, deque()).append(connection)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._give)

    def _give(self) -> None:
        self._is_scheduled = False
        self._left = TURNS_AT_ONCE
        end = self._clock() + TURN_SECONDS
        try:
            while self._queues:
                self._next().take_turn()
                if self._clock() >= end:
                    return
        finally:
            if self._queues:
                self._schedule()

    def _next(self) -> Waiting:
        client = next(iter(self._queues))
        queue = self._queues.pop(client)
        connection = queue.popleft()
        if queue:
            self._queues[client] = queue  # behind the other clients
        return connection
