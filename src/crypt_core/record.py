"""What is kept of one message, and how stores write it down."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps under a message's id.

    Attributes:
        content: The message; in the `kv` store the key under which it lies.
        expires_at: Unix time in seconds at which it is gone, read or not.
    """

    content: str
    expires_at: float

    @property
    def due_at(self) -> float:
        """Unix time in seconds from which on `messages.age` makes something else of it."""
        return self.expires_at


def encode(record: Record) -> str:
    return json.dumps({"content": record.content, "expires_at": record.expires_at}, ensure_ascii=False)


def decode(text: str) -> Record:
    return Record(**json.loads(text))
