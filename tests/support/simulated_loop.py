"""An event loop whose callbacks are turns (`simulated_threads`), and whose time is simulated."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from tests.support.simulated_threads import Crashed, Turns

T = TypeVar("T")


class Loop:
    """Stands for an event loop: each callback is a turn. It runs in the thread that made `turns`.

    It has what tasks, futures and timeouts need, and no more.

    Attributes:
        tasks: All that were ever made.
    """

    def __init__(self, turns: Turns) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self._turns = turns
        self._ready: deque[asyncio.Handle] = deque()
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
                    handle = self._ready.popleft()
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
