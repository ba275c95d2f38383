"""What every simulation is made of: choices, and threads that take turns.

Whatever may go this way or that is asked of one function, `Choose`: who goes on, what fails, how much time passes. A
seed answers it (`random.Random(seed).choice`), or `explore`, which gives every answer in turn.

Only one thread runs at any moment. It goes on to its next `turn()`, and there another one may. What stands for locks
and queues (`simulated_threads`) and for the event loop (`simulated_loop`) calls `turn` before whatever it does; so does
what stands for the disk. At any turn the process may crash: then each thread gets `Crashed` where it is.
"""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

Choose = Callable[[Sequence[Any]], Any]
"""Takes one of some options."""

PAUSES = (*[0.0] * 997, 0.001, 0.2, 0.7)
"""Seconds for which the system may leave all threads alone before a turn."""

KEEPS_ON = (2, 8, 38)
"""How often a thread that could go on is among those that may: a process has many changes of threads, or few."""


def explore(play: Callable[[Choose], None]) -> int:
    """Call `play` once for each sequence of choices that it can make; return how often that was."""
    count = 0
    prefix: list[int] = []
    while True:
        made: list[tuple[int, int]] = []  # each choice, and of how many

        def choose(options: Sequence[T], made: list[tuple[int, int]] = made, prefix: Sequence[int] = prefix) -> T:
            chosen = prefix[len(made)] if len(made) < len(prefix) else 0
            made.append((chosen, len(options)))
            return options[chosen]

        play(choose)
        count += 1
        while made and made[-1][0] + 1 == made[-1][1]:
            made.pop()
        if not made:
            return count
        prefix = [chosen for chosen, _ in made[:-1]] + [made[-1][0] + 1]


class Crashed(BaseException):
    """The process has ended."""


class _Actor:
    """A thread, and what it waits for."""

    def __init__(self) -> None:
        self.may_go_on = threading.Semaphore(0)
        self.is_ready: Callable[[], bool] = _at_once
        self.wakes_at = math.inf


def _at_once() -> bool:
    return True


def _nothing() -> None: ...


class Turns:
    """Who goes on. The thread that makes this has the first turn.

    Attributes:
        now: Seconds. They pass when everybody waits, and now and then.
        steps_left: After so many turns, the process crashes.
        failure: Why it crashed, if it should not have.
    """

    def __init__(
        self,
        choose: Choose,
        on_crash: Callable[[], None] = _nothing,
        on_idle: Callable[[], None] = _nothing,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """`on_crash` is called once, before any thread notices; `on_idle` before time passes since all wait."""
        self.now = 0.0
        self.steps_left = math.inf
        self.has_crashed = False
        self.failure = ""
        self._choose = choose
        self._on_crash = on_crash
        self._on_idle = on_idle
        self._pauses = pauses
        self._keeps_on = 0
        self._running = _Actor()
        self._actors = [self._running]

    def choose(self, options: Sequence[T]) -> T:
        """Take one of the options."""
        chosen: T = options[0] if len(options) == 1 else self._choose(options)
        return chosen

    def turn(self, is_ready: Callable[[], bool] | None = None, wakes_at: float = math.inf) -> None:
        """Let others go on; return when `is_ready`, or when the time is `wakes_at`."""
        self.steps_left -= 1
        if self.has_crashed or self.steps_left < 0:
            self.crash()
        self.now += self.choose(self._pauses)
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
                run()
            self._actors.remove(actor)
            try:
                following = self._next()
            except Crashed:
                following = self._actors[0]
            self._hand_over(following)

        self._actors.append(actor)
        self._keeps_on = self.choose(KEEPS_ON)
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
            if len(ready) > 1 and self._running in ready:
                ready += [self._running] * self._keeps_on
            if ready:
                return self.choose(ready)
            self._on_idle()
            self.now = min(actor.wakes_at for actor in self._actors)
            if self.now == math.inf:
                self.fail("everybody waits for ever")

    def _hand_over(self, actor: _Actor) -> None:
        self._running = actor
        actor.may_go_on.release()
