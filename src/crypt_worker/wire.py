"""Commands and outcomes as the JSON that crosses between a Worker and a Durable Object."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from crypt_core.messages import Command, Outcome
from crypt_core.record import AccessHashes


@dataclass(frozen=True, slots=True)
class Fetch:
    """Not an outcome: nothing has happened. A caller that has fetched the payload at `key` may claim the read."""

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
    if fields.get("access"):
        fields["access"] = AccessHashes(**fields["access"])
    return _KINDS[fields.pop("kind")](**fields)
