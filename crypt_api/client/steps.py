"""The steps that an operation is made of.

An operation is a generator of steps. The client that runs it carries out each step in its own way, and sends the
step's result back. So each operation is written once, in `protocol.py`, for the blocking client and for asyncio.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """Send the request once. The result is the response, or the error that there is no response."""

    request: httpx.Request


@dataclass(frozen=True)
class Pause:
    """Wait for this many seconds."""

    seconds: float


@dataclass(frozen=True)
class Compute:
    """Call the function, and give back its result. It takes a good part of a second: too long for an event loop."""

    function: Callable[[], Any]


Step = Ask | Pause | Compute
Operation = Generator[Step, Any, T]
