"""Requests within one second, which the rate limit counts: on a busy machine, a few of them may take longer."""

import time
from collections.abc import Iterator


def within_a_second() -> Iterator[None]:
    """Have the body of a `for` run again, a second later, until it took less than a second."""
    for _ in range(60):
        began = time.monotonic()
        yield
        if time.monotonic() - began < 0.9:
            return
        time.sleep(1)  # then nothing of it counts any more
    raise AssertionError("this machine is too slow for a limit per second")
