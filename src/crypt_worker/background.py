"""Work that goes on after the response: the runtime's `waitUntil`."""

from asyncio import create_task
from collections.abc import Callable, Coroutine
from typing import Any


def go_on_after_response(
    work: Coroutine[Any, Any, None], wait_until: Callable[[Any], object], create_proxy: Callable[[Any], Any]
) -> None:
    """Let `work` go on after the response, by the runtime's `waitUntil` and Pyodide's `create_proxy`.

    The runtime gets a task, as a proxy that lives until the task is done. Some runtimes (workerd 1.20260908.1) drop a
    coroutine without a word: Python's side of it is gone as soon as the call returns.
    """
    task = create_task(work)
    proxy = create_proxy(task)
    task.add_done_callback(lambda _: proxy.destroy())
    wait_until(proxy)
