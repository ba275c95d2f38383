"""Runs a handler's coroutine without a task: its first step at once, each further step when what it awaits is done.

A request that never waits is answered without a turn of the event loop. (A handler has no current task, so it cannot
use `asyncio.timeout`; the deadlines are the stores' own.)
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """A coroutine that is being run."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        on_result: Callable[[T], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        """One of the callbacks is called, once; none after `cancel`."""
        self._coroutine = coroutine
        self._on_result = on_result
        self._on_error = on_error
        self._awaited: asyncio.Future[Any] | None = None
        self._is_cancelled = False

    def start(self) -> None:
        """Run the first step."""
        self._step()

    def cancel(self) -> None:
        """Cancel what the coroutine awaits, and with it the coroutine. Its result is of no interest to anybody."""
        self._is_cancelled = True
        if self._awaited is not None:
            self._awaited.cancel()

    def _step(self, _: object = None) -> None:
        self._awaited = None
        try:
            if self._is_cancelled:
                awaited = self._coroutine.throw(asyncio.CancelledError())
            else:
                awaited = self._coroutine.send(None)
        except StopIteration as stop:
            if not self._is_cancelled:
                self._on_result(stop.value)
        except BaseException as error:
            if not self._is_cancelled:
                self._on_error(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            self._awaited = awaited
            if awaited is None:  # asyncio.sleep(0)
                asyncio.get_running_loop().call_soon(self._step)
            else:
                awaited.add_done_callback(self._step)
