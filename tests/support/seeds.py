"""Seeds of the simulations: one that fails names the command that plays it again."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def replayable(module: str, seed: int) -> Iterator[None]:
    """Say in an assertion that fails inside how the seed is played again: by running `module`."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"python -m {module} {seed}") from error
