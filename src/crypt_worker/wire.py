"""Commands and outcomes as the plain dictionaries that cross between a Worker and a Durable Object."""

from collections.abc import Mapping
from typing import Any

from crypt_core.messages import Command, Create, Created, Granted, IdTaken, Missing, Outcome, Read

_KINDS = {kind.__name__: kind for kind in (Create, Read, Created, IdTaken, Granted, Missing)}


def to_wire(value: Command | Outcome) -> dict[str, Any]:
    return {"kind": type(value).__name__, **{name: getattr(value, name) for name in value.__slots__}}


def from_wire(data: Mapping[str, Any]) -> Any:
    """Give the command or outcome back."""
    fields = dict(data)
    return _KINDS[fields.pop("kind")](**fields)
