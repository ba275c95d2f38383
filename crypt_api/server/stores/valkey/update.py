"""One command on one key, from its first look to a certain outcome.

    look at the key, and decide ── nothing to change, nothing to fence ──▶ outcome
        ▲        │
        │        ▼
        │   compare-and-set, with a fence ──────────── done ─────────────▶ outcome
        │        │
        └────────┴── overtaken, or uncertain

An uncertain write (its reply was lost, or its fence failed) is not repeated: the next look tells by its claim whether
it took effect. If it did, the update's outcome is the one that was decided then, and the value is touched: written
again, as it is, for its fence. If it did not, a new attempt takes the place of the old value, so the old attempt never
can.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from crypt_api.server.stores.valkey.keys import Keys, Written
from crypt_api.server.stores.valkey.stored_value import Value, changed, touched
from crypt_core.events import Event, OnEvent, event_of, ignore
from crypt_core.outcomes import Missing, Outcome
from crypt_core.record import Record
from crypt_core.store import StorageUnavailable

T = TypeVar("T", bound=Outcome | None)

Decide = Callable[[Record | None, float], tuple[Record | None, T]]
"""From the record and the engine's time to the record to keep, and what to tell; None to tell nobody anything."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that was sent: `after` in place of `before`."""

    before: Value | None
    after: Value


class EngineFull(StorageUnavailable):
    """The engine has no room for a new message. Nothing happened."""

    def __init__(self) -> None:
        super().__init__("the engine is full: no new messages")


class Update(Generic[T]):
    """Applies `decide` to the record under a key.

    Attributes:
        key: The key.
        uncertain: The writes that may have taken effect, or may yet, while nobody was told of them.
    """

    def __init__(
        self,
        keys: Keys,
        key: bytes,
        decide: Decide[T],
        *,
        fences_missing: bool = False,
        on_event: OnEvent = ignore,
    ) -> None:
        """Nothing is sent yet.

        Args:
            keys: The engine.
            key: The key.
            decide: What is applied to the record.
            fences_missing: Whether `Missing` may rest on more than a wrong proof while the record has reads left.
            on_event: Receives what the sender wants to be told of the change.
        """
        self.key = key
        self.uncertain: list[Attempt] = []
        self._keys = keys
        self._decide = decide
        self._fences_missing = fences_missing
        self._on_event = on_event
        self._event: Event | None = None
        self._outcomes: dict[bytes, T] = {}
        self._began = asyncio.get_running_loop().time()
        self._even_if_full = False

    async def until_certain(self, now: float | None = None) -> T:
        """Carry it out, however long it takes.

        With `now`, the engine's time, the key is not looked at first: it is expected to have no value.

        Raises:
            StorageUnavailable: It has had no effect but that of the writes in `uncertain`.
        """
        value = None
        if now is None:
            value, now = await self._keys.read(self.key)
        while True:
            record, outcome, is_changed = self._considered(value, now)
            if is_changed:
                written = await self._change(value, record, outcome, now)
            elif value is not None and self._must_fence(value, outcome):
                written = await self._try(value, touched(value), now)
            else:
                break
            if written is Written.DONE:
                break
            value, now = await self._keys.read(self.key)
        self.uncertain.clear()
        self.tell()
        return outcome

    def tell(self) -> None:
        """Hand on what the sender wants to be told, now that the change stays."""
        if self._event is not None:
            self._on_event(self._event)

    def _considered(self, value: Value | None, now: float) -> tuple[Record | None, T, bool]:
        """The record to keep, what to tell, and whether that is a change: as decided now, or when it took effect."""
        record = None if value is None else value.record
        for claim in () if value is None else reversed(value.claims):
            if claim in self._outcomes:
                return record, self._outcomes[claim], False
        kept, outcome = self._decide(record, now)
        self._event = event_of(record, kept, outcome, now)  # of the last decision: no earlier one can take effect
        return kept, outcome, kept is not record

    def _must_fence(self, value: Value, outcome: T) -> bool:
        """Whether what the outcome rests on may yet be undone, so that it is written again first.

        A failover may undo it; and so may the take-back of another server, also on an engine without a fence.
        """
        if outcome is None:
            return False
        has_reads = value.record is not None and value.record.reads_left > 0
        if has_reads and isinstance(outcome, Missing) and not self._fences_missing:
            return False  # the caller's proof is wrong, whatever becomes of the record
        return not self._keys.is_safe(self.key, value, self._began)

    async def _change(self, value: Value | None, record: Record | None, outcome: T, now: float) -> Written:
        after = changed(value, record)
        self._outcomes[after.write] = outcome
        written = await self._try(value, after, now)
        if written is Written.FULL and _has_new_content(None if value is None else value.record, record):
            raise EngineFull
        return written

    async def _try(self, before: Value | None, after: Value, now: float) -> Written:
        attempt = Attempt(before, after)
        self.uncertain.append(attempt)
        written = await self._keys.write(self.key, before, after, now=now, even_if_full=self._even_if_full)
        if written in (Written.OVERTAKEN, Written.FULL):
            self.uncertain.remove(attempt)
        self._even_if_full |= written is Written.FULL
        return written


def _has_new_content(before: Record | None, after: Record | None) -> bool:
    """Whether the change brings a message, or an answer in the place of its question."""
    return after is not None and after.content is not None and (before is None or before.content != after.content)
