"""Coroutines that are stepped by hand: in every order that there is, or in an order that a seed chooses.

A step ends where a coroutine awaits `turn()`. Whatever else may go this way or that, such as a fault, is chosen in the
same way: so the exhaustive search tries every order with every fault.
"""

from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

Choose = Callable[[Sequence[Any]], Any]
"""Takes one of some options."""


class Turn:
    """Where a coroutine lets the others go on."""

    def __await__(self) -> Generator["Turn", None, None]:
        yield self


async def turn() -> None:
    await Turn()


def run(coroutines: Sequence[Coroutine[Any, Any, None]], choose: Choose) -> None:
    """Step the coroutines to their ends."""
    running = dict(enumerate(coroutines))
    while running:
        number = choose([*running])
        try:
            running[number].send(None)
        except StopIteration:
            del running[number]


def explore(play: Callable[[Choose], None]) -> int:
    """Call `play` once for each sequence of choices that it can make; return how often that was."""
    count = 0
    prefix: list[int] = []
    while True:
        made: list[tuple[int, int]] = []  # each choice, and of how many

        def choose(options: Sequence[T], made: list[tuple[int, int]] = made, prefix: Sequence[int] = prefix) -> T:
            chosen = prefix[len(made)] if len(made) < len(prefix) else 0
            made.append((chosen, len(options)))
            return options[chosen]

        play(choose)
        count += 1
        while made and made[-1][0] + 1 == made[-1][1]:
            made.pop()
        if not made:
            return count
        prefix = [chosen for chosen, _ in made[:-1]] + [made[-1][0] + 1]
