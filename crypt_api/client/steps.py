"""The steps that a conversation with the service is made of.

A conversation is a generator of steps. A driver (`drivers.py`) carries out each step, and sends the step's result back.
So each conversation is written once, in `protocol.py`, for the blocking client and for asyncio.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
    """Call the function, and give back its result. It computes, or uses the disk: too long for an event loop."""

    function: Callable[[], Any]


Step = Ask | Pause | Compute
Conversation = Generator[Step, Any, T]


@dataclass(frozen=True)
class End(Generic[T]):
    """The conversation is over, with this result."""

    result: T


def next_step(conversation: Conversation[T], outcome: Any = None) -> Step | End[T]:
    """Hand the outcome of the last step to the conversation; give the step that it wants next."""
    try:
        return conversation.send(outcome)
    except StopIteration as stop:
        return End(stop.value)
