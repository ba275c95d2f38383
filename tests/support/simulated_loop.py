"""An event loop whose callbacks are turns (`simulation`), and whose time is simulated."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, TypeVar

from tests.support.simulation import Choose, Crashed, Turns

T = TypeVar("T")


class Loop:
    """Stands for an event loop: each callback is a turn. It runs in the thread that made `turns`.

    It has what tasks, futures and timeouts need, and no more.

    Attributes:
        tasks: All that were ever made.
    """

    def __init__(self, turns: Turns, *, in_any_order: bool = False) -> None:
        """Callbacks run in the order in which they came, or `in_any_order`."""
        self.tasks: list[asyncio.Task[Any]] = []
        self._turns = turns
        self._in_any_order = in_any_order
        self._ready: list[asyncio.Handle] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._me: Any = self  # an `AbstractEventLoop`, but for what nobody calls

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Run until `is_done`, which is asked before each callback."""
        asyncio._set_running_loop(self._me)  # noqa: SLF001 - for whoever writes an event loop, as asyncio's docs say
        try:
            while not is_done():
                self._turns.turn(
                    lambda: len(self._ready) > 0, min((it.when() for it in self._timers), default=math.inf)
                )
                due = sorted(timer for timer in self._timers if timer.when() <= self._turns.now)
                self._timers = [timer for timer in self._timers if timer not in due]
                self._ready += due
                if self._ready:
                    handle = self._turns.choose(self._ready) if self._in_any_order else self._ready[0]
                    self._ready.remove(handle)
                    if not handle.cancelled():
                        handle._run()  # noqa: SLF001 - as above
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - as above

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._me, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        self._turns.turn()
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._turns.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self._me, context)
        self._timers.append(timer)
        return timer

    def time(self) -> float:
        return self._turns.now

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._me)

    def create_task(self, coro: Coroutine[Any, Any, T], **_: Any) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self._me)
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A callback raised. Of tasks that a crash has ended, nothing need be said."""
        error = context.get("exception")
        if "handle" in context and not isinstance(error, Crashed):
            self._turns.failure = self._turns.failure or repr(error)
            self._turns.has_crashed = True

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._timers = [timer for timer in self._timers if timer is not handle]


def run(coroutines: Sequence[Coroutine[Any, Any, None]], choose: Choose) -> None:
    """Run the coroutines to their ends, a step of any of them at a time. A step ends where `asyncio.sleep(0)` does."""
    loop = Loop(Turns(choose, pauses=(0.0,)), in_any_order=True)
    tasks = [loop.create_task(coroutine) for coroutine in coroutines]
    loop.run_until(lambda: all(task.done() for task in tasks))
    for task in tasks:
        task.result()
