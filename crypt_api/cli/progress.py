"""The progress bars that a person sees while a command waits. Scripts, which have no terminal, see nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

from crypt_api.cli.terminal import is_terminal
from crypt_api.client.uploads import ReportProgress

PATIENCE = 1.0
"""Seconds that a command may wait before it shows anything."""


@contextmanager
def progress(text: str) -> Iterator[None]:
    """On a terminal, show `text` and a bar if the block takes longer than a second."""
    with transfer(text):
        yield


@contextmanager
def transfer(text: str) -> Iterator[ReportProgress]:
    """The same for bytes: give the function that takes how many are done. The bar shows them, and the time left."""
    if not is_terminal(sys.stderr):
        yield lambda _done, _total: None
        return
    bar, report = _bar(text)
    timer = Timer(PATIENCE, bar.start)
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def _bar(text: str) -> tuple[Any, Callable[[int, int | None], None]]:
    # Imported here: they take a tenth of a second, and scripts have no terminal.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    waiting = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    moving = (*waiting[:2], DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*waiting, console=Console(stderr=True, highlight=False), transient=True)
    task = bar.add_task(text, total=None)

    def report(done: int, total: int | None) -> None:
        bar.columns = moving
        bar.update(task, completed=done, total=total)

    return bar, report
