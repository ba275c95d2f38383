"""What stands for Python's threads and for what they share: each step of it is a turn (`simulation`)."""

import math
from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import Any, TypeVar

from tests.support.simulation import Turns

T = TypeVar("T")


class Thread:
    """Stands for `threading.Thread`."""

    def __init__(self, turns: Turns, *, target: Callable[[], None], **_: Any) -> None:
        self._turns = turns
        self._target = target
        self._has_ended: Callable[[], bool] = lambda: True

    def start(self) -> None:
        self._has_ended = self._turns.start(self._target)

    def join(self) -> None:
        self._turns.turn(self._has_ended)


class Lock:
    """Stands for `threading.Lock`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_held = False

    def acquire(self, *, blocking: bool = True) -> bool:
        self._turns.turn((lambda: not self._is_held) if blocking else None)
        was_held, self._is_held = self._is_held, True
        return not was_held

    def release(self) -> None:
        self._turns.turn()
        assert self._is_held
        self._is_held = False

    def locked(self) -> bool:
        self._turns.turn()
        return self._is_held


class Flag:
    """Stands for `threading.Event`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._is_set = False

    def set(self) -> None:
        self._turns.turn()
        self._is_set = True

    def is_set(self) -> bool:
        self._turns.turn()
        return self._is_set


class Deque(deque[T]):
    """A deque that threads share."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def append(self, item: T) -> None:
        self._turns.turn()
        super().append(item)

    def popleft(self) -> T:
        self._turns.turn()
        return super().popleft()

    def __bool__(self) -> bool:
        self._turns.turn()
        return len(self) > 0


class Queue(deque[T]):
    """Stands for `queue.SimpleQueue`."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def put(self, item: T) -> None:
        self._turns.turn()
        self.append(item)

    def get(self, timeout: float = math.inf) -> T:
        self._turns.turn(lambda: len(self) > 0, self._turns.now + timeout)
        if not self:
            raise Empty
        return self.popleft()
