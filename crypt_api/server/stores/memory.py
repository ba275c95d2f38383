"""Messages in a dict: for tests, and the reference that every other store is compared with."""

import time
from collections.abc import Callable

from crypt_api.server.stores.reporting import Usage
from crypt_core.commands import Command
from crypt_core.events import OnEvent, event_of, ignore
from crypt_core.messages import decide
from crypt_core.outcomes import Outcome
from crypt_core.record import Record


class MemoryStore:
    """Atomic because nothing in `apply` awaits. Keeps nothing over a restart."""

    def __init__(self, clock: Callable[[], float] = time.time, on_event: OnEvent = ignore) -> None:
        self._clock = clock
        self._on_event = on_event
        self._records: dict[str, Record] = {}

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def apply(self, message_id: str, command: Command) -> Outcome:
        before, now = self._records.get(message_id), self._clock()
        record, outcome = decide(before, command, now)
        if record is None:
            self._records.pop(message_id, None)
        else:
            self._records[message_id] = record
        if event := event_of(before, record, outcome, now):
            self._on_event(event)
        return outcome

    @property
    def usage(self) -> Usage:
        return Usage(messages=len(self._records))

    def close(self) -> None:
        self._records.clear()
