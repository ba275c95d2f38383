"""Runs a handler's coroutine without a task: its first step at once, each further step when what it awaits is done.

A request that never waits is answered without a turn of the event loop. A handler has no current task, so it cannot
use `asyncio.timeout` or `asyncio.wait_for`, unless in a task of its own. The deadlines are the stores' business.
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
        """One of the callbacks is called, once; neither is called after `cancel`."""
        self._coroutine = coroutine
        self._on_result = on_result
        self._on_error = on_error
        self._awaited: asyncio.Future[Any] | None = None
        self._is_cancelled = False
        self._must_throw = False

    def start(self) -> None:
        """Run the first step. The callback may be called before this method returns."""
        self._step()

    def cancel(self) -> None:
        """Cancel what the coroutine awaits, and so the coroutine, as cancelling a task does. Nobody gets its result."""
        self._is_cancelled = True
        self._must_throw = self._awaited is None or not self._awaited.cancel()

    def _step(self, _: object = None) -> None:
        self._awaited = None
        try:
            if self._must_throw:
                self._must_throw = False
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
            self._wait_for(awaited)

    def _wait_for(self, awaited: asyncio.Future[Any] | None) -> None:
        """Take the next step when `awaited` is done; None is yielded by `asyncio.sleep(0)`."""
        if awaited is None:
            asyncio.get_running_loop().call_soon(self._step)
            return
        self._awaited = awaited
        awaited._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's protocol: a second coroutine may await it too
        awaited.add_done_callback(self._step)
        if self._must_throw:  # cancelled during the step
            self._must_throw = not awaited.cancel()
