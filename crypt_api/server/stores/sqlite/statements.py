"""How the parts of the store run statements, without knowing the connection."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

Execute = Callable[..., Sequence[Sequence[Any]]]
"""Runs a statement with its parameters, and returns all rows of its result."""

ExecuteMany = Callable[[str, Iterable[Sequence[Any]]], object]
"""Runs a statement once for each row of parameters."""
