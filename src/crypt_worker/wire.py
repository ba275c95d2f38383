"""Commands and outcomes as the JSON that crosses between a Worker and a Durable Object."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from crypt_core.messages import Command, Outcome
from crypt_core.record import Seal


@dataclass(frozen=True, slots=True)
class Fetch:
    """Not an outcome yet: nothing has happened. Whoever has fetched the payload at `key` may claim it."""

    key: str


_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*Command.__args__, *Outcome.__args__, Fetch)}


def to_wire(value: Command | Outcome | Fetch) -> str:
    return json.dumps({"kind": type(value).__name__, **asdict(value)})


def command_from_wire(text: str) -> Command:
    command: Command = _from_wire(text)
    return command


def answer_from_wire(text: str) -> Outcome | Fetch:
    answer: Outcome | Fetch = _from_wire(text)
    return answer


def _from_wire(text: str) -> Any:
    fields = json.loads(text)
    if fields.get("seal"):
        fields["seal"] = Seal(**fields["seal"])
    return _KINDS[fields.pop("kind")](**fields)
