"""The progress bar that a person sees while a command waits."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from crypt_api.cli.terminal import is_terminal

PATIENCE = 1.0
"""Seconds that a command may wait before it shows anything."""


@contextmanager
def progress(text: str) -> Iterator[None]:
    """On a terminal, show `text` and a bar if the block takes longer than a second."""
    if not is_terminal(sys.stderr):
        yield
        return
    # Imported here: they take a tenth of a second, and scripts have no terminal.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)
    bar.add_task(text, total=None)
    timer = Timer(PATIENCE, bar.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
