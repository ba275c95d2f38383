"""What a store reports to its operator: how much room it takes, and what it did that no request asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from crypt_core.http.message_fields import MAX_ANSWER_BYTES

LOW_SHARE = 0.8
"""The part of the cap from which on the storage is reported as low."""

LOW_DISK_BYTES = 64 << 20
"""A disk with less than that left is reported as low."""


LARGEST_MESSAGE_BYTES = MAX_ANSWER_BYTES
"""A store that has no room for a message of that size reports that it is full: it refuses some messages."""


class Observer(Protocol):
    """Receives events that belong to no request, from any thread."""

    def expired(self, count: int) -> None:
        """The sweep destroyed `count` messages that nobody had read."""

    def damaged(self) -> None:
        """A record was found that cannot be read. Each is counted once."""


class NoObserver:
    """Ignores all events."""

    def expired(self, count: int) -> None: ...

    def damaged(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """The state of a store at one moment. The defaults are those of a store without files.

    Attributes:
        bytes: The size of the store's files, without the free room in them.
        max_bytes: The cap that the operator set; 0 is none.
        disk_free_bytes: Free bytes of the disk; None if the store is not on a disk.
        refuses: Why new messages are refused now; empty if they are accepted.
        damaged: How many records that cannot be read were found since the start.
        is_malformed: Whether SQLite found a damaged page since the start.
        messages: How many messages have their content, or a number somewhat above that.
    """

    bytes: int = 0
    max_bytes: int = 0
    disk_free_bytes: int | None = None
    refuses: str = ""
    damaged: int = 0
    is_malformed: bool = False
    messages: int = 0

    @property
    def share(self) -> float:
        """The part of the cap that is used; 0 without a cap."""
        return self.bytes / self.max_bytes if self.max_bytes else 0.0

    @property
    def level(self) -> Literal["ok", "low", "full"]:
        if self.refuses:
            return "full"
        is_disk_low = self.disk_free_bytes is not None and self.disk_free_bytes < LOW_DISK_BYTES
        return "low" if is_disk_low or self.share >= LOW_SHARE else "ok"

    def readiness(self) -> Mapping[str, object]:
        """The part of `/-/ready` about the store. It shows nothing of the traffic."""
        damage = {"damaged_records": self.damaged, "malformed": self.is_malformed}
        return {"storage": self.level} | {name: value for name, value in damage.items() if value}
