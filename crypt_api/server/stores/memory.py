"""Messages in a dict: for tests, and the reference that every other store is compared with."""

import time
from collections.abc import Callable

from crypt_core.messages import Command, Outcome, decide
from crypt_core.record import Record, plain_messages


class MemoryStore:
    """Atomic because nothing in `apply` awaits. Keeps nothing over a restart."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: dict[str, Record] = {}
        self._plain_messages = 0

    async def apply(self, message_id: str, command: Command) -> Outcome:
        before = self._records.get(message_id)
        record, outcome = decide(before, command, self._clock())
        self._plain_messages += plain_messages(record) - plain_messages(before)
        if record is None:
            self._records.pop(message_id, None)
        else:
            self._records[message_id] = record
        return outcome

    def plain_messages(self) -> int:
        return self._plain_messages

    def close(self) -> None:
        self._records.clear()
