"""Threads that take turns: which of them goes on, and when time passes, is chosen by a seed.

Only one thread runs at any moment. It goes on to its next `turn()`, and there another one may. What stands for locks,
queues and the event loop (`simulated_loop`) calls `turn` before whatever it does; so does what stands for the disk. At
any turn the process may crash: then each thread gets `Crashed` where it is.
"""

import math
import random
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

PAUSES = (0.001, 0.2, 0.7)
"""Seconds for which the system may leave all threads alone."""


class Crashed(BaseException):
    """The process has ended."""


class _Actor:
    """A thread, and what it waits for."""

    def __init__(self) -> None:
        self.may_go_on = threading.Semaphore(0)
        self.is_ready: Callable[[], bool] = _at_once
        self.wakes_at = math.inf


class Turns:
    """Who goes on. The thread that makes this has the first turn.

    Attributes:
        now: Seconds. They pass when everybody waits, and now and then.
        steps_left: After so many turns, the process crashes.
        failure: Why it crashed, if it should not have.
    """

    def __init__(self, chosen: random.Random, on_crash: Callable[[], None], on_idle: Callable[[], None]) -> None:
        """`on_crash` is called once, before any thread notices; `on_idle` before time passes since all wait."""
        self.now = 0.0
        self.steps_left = math.inf
        self.has_crashed = False
        self.failure = ""
        self._chosen = chosen
        self._on_crash = on_crash
        self._on_idle = on_idle
        self._change = chosen.choice([0.05, 0.2, 0.5])
        self._running = _Actor()
        self._actors = [self._running]

    def turn(self, is_ready: Callable[[], bool] | None = None, wakes_at: float = math.inf) -> None:
        """Let others go on; return when `is_ready`, or when the time is `wakes_at`."""
        self.steps_left -= 1
        if self.has_crashed or self.steps_left < 0:
            self.crash()
        if self._chosen.random() < 0.003:
            self.now += self._chosen.choice(PAUSES)
        me = self._running
        me.is_ready, me.wakes_at = is_ready or _at_once, wakes_at
        following = self._next()
        if following is not me:
            self._hand_over(following)
            me.may_go_on.acquire()
            if self.has_crashed:
                raise Crashed

    def crash(self) -> None:
        if not self.has_crashed:
            self.has_crashed = True
            self._on_crash()
        raise Crashed

    def fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self.crash()

    def start(self, run: Callable[[], None]) -> Callable[[], bool]:
        """Start a thread; return what tells whether it has ended."""
        actor = _Actor()

        def main() -> None:
            actor.may_go_on.acquire()
            with suppress(Crashed):
                if not self.has_crashed:
                    run()
            self._actors.remove(actor)
            try:
                following = self._next()
            except Crashed:
                following = self._actors[0]
            self._hand_over(following)

        self._actors.append(actor)
        threading.Thread(target=main, daemon=True).start()
        return lambda: actor not in self._actors

    def end(self) -> None:
        """Have all threads but this one notice the crash, and end."""
        self.has_crashed = True
        [me, *others] = self._actors
        for other in others:
            self._hand_over(other)
            me.may_go_on.acquire()

    def _next(self) -> _Actor:
        if self.has_crashed:
            return self._actors[0]
        while True:
            ready = [actor for actor in self._actors if actor.wakes_at <= self.now or actor.is_ready()]
            if self._running in ready and self._chosen.random() > self._change:
                return self._running
            if ready:
                return self._chosen.choice(ready)
            self._on_idle()
            self.now = min(actor.wakes_at for actor in self._actors)
            if self.now == math.inf:
                self.fail("everybody waits for ever")

    def _hand_over(self, actor: _Actor) -> None:
        self._running = actor
        actor.may_go_on.release()


def _at_once() -> bool:
    return True


class Thread:
    """Stands for `threading.Thread`."""

    def __init__(self, turns: Turns, target: Callable[[], None]) -> None:
        self._turns = turns
        self._target = target
        self._has_ended: Callable[[], bool] = _at_once

    def start(self) -> None:
        self._has_ended = self._turns.start(self._target)

    def join(self) -> None:
        self._turns.turn(self._has_ended)


class Lock:
    """Stands for `threading.Lock`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_held = False

    def acquire(self, *, blocking: bool = True) -> bool:
        self._turns.turn((lambda: not self._is_held) if blocking else None)
        was_held, self._is_held = self._is_held, True
        return not was_held

    def release(self) -> None:
        self._turns.turn()
        assert self._is_held
        self._is_held = False

    def locked(self) -> bool:
        self._turns.turn()
        return self._is_held


class Flag:
    """Stands for `threading.Event`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_set = False

    def set(self) -> None:
        self._turns.turn()
        self._is_set = True

    def is_set(self) -> bool:
        self._turns.turn()
        return self._is_set


class Deque(deque[T]):
    """A deque that threads share."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def append(self, item: T) -> None:
        self._turns.turn()
        super().append(item)

    def popleft(self) -> T:
        self._turns.turn()
        return super().popleft()

    def __bool__(self) -> bool:
        self._turns.turn()
        return len(self) > 0


class Queue(deque[T]):
    """Stands for `queue.SimpleQueue`."""

    def __init__(self, turns: Turns, empty: type[Exception]) -> None:
        super().__init__()
        self._turns = turns
        self._empty = empty

    def put(self, item: T) -> None:
        self._turns.turn()
        self.append(item)

    def get(self, timeout: float = math.inf) -> T:
        self._turns.turn(lambda: len(self) > 0, self._turns.now + timeout)
        if not self:
            raise self._empty
        return self.popleft()
