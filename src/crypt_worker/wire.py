"""Commands and outcomes as the JSON that crosses between a Worker and a Durable Object: a kind, and its fields.

Fields at the end that have their default value are left out. The two sides are of one deployment or of two that follow
each other, so a new field comes last and has a default, and no kind changes its name.
"""

import json
from dataclasses import MISSING, dataclass, fields
from typing import Any

from crypt_core.commands import Command
from crypt_core.limits.hourly_budgets import Exhausted
from crypt_core.outcomes import Outcome
from crypt_core.record import AccessHashes


@dataclass(frozen=True, slots=True)
class Fetch:
    """Not an outcome: nothing has happened. A caller that has fetched the payload under `key` may claim the read."""

    key: str


@dataclass(frozen=True, slots=True)
class Put:
    """Not an outcome: nothing has happened. A caller that has put the answer's payload for `ttl` seconds may answer."""

    ttl: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """Not an outcome: the record is there, and cannot be read."""


ShardAnswer = Outcome | Fetch | Put | Damaged | Exhausted
"""`Exhausted` is no outcome, either: the client has no miss left in this shard, which did not look."""

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*Command.__args__, *ShardAnswer.__args__)}
_FIELDS = {kind: [(field.name, field.default) for field in fields(kind)] for kind in _KINDS.values()}


def to_wire(value: Command | ShardAnswer) -> str:
    values: list[Any] = [type(value).__name__]
    values += [getattr(value, name) for name, _ in _FIELDS[type(value)]]
    for _, default in reversed(_FIELDS[type(value)]):
        if default is MISSING or values[-1] != default:
            break
        values.pop()
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def command_from_wire(text: str) -> Command:
    command: Command = _from_wire(text)
    return command


def answer_from_wire(text: str) -> ShardAnswer:
    answer: ShardAnswer = _from_wire(text)
    return answer


def _from_wire(text: str) -> Any:
    kind, *values = json.loads(text)
    return _KINDS[kind](*(AccessHashes(*value) if isinstance(value, list) else value for value in values))
