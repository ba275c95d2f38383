"""Requests within one second, which the rate limit counts: on a busy machine, a few of them may take longer."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

ATTEMPTS = 60

T = TypeVar("T")


def within_a_second(ask: Callable[[], T]) -> T:
    """What `ask` gives. It is asked again, a second later, until it took less than a second."""
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        answers = ask()
        if _is_in_time(began):
            return answers
    raise AssertionError("this machine is too slow for a limit per second")


async def awaited_within_a_second(ask: Callable[[], Awaitable[T]]) -> T:
    """As `within_a_second`."""
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        answers = await ask()
        if _is_in_time(began):
            return answers
    raise AssertionError("this machine is too slow for a limit per second")


def _is_in_time(began: float) -> bool:
    """If not, wait until nothing counts any more of what was asked."""
    if time.monotonic() - began < 0.9:
        return True
    time.sleep(1)
    return False
