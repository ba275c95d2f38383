"""What a store tells its operator: how much room it takes, and what happened to messages on its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

LOW_SHARE = 0.8
"""The part of the cap from which on the storage is told to be low."""

LOW_DISK_BYTES = 64 << 20
"""A disk with less than that left is told to be low."""


class Observer(Protocol):
    """Is told, by any thread, what no caller is told."""

    def expired(self, count: int) -> None:
        """`count` messages were swept that nobody had read."""

    def damaged(self) -> None:
        """One more record was found that cannot be read."""


class NoObserver:
    """Listens to nothing."""

    def expired(self, count: int) -> None: ...

    def damaged(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """A moment's state of a store. The default is that of a store without files.

    Attributes:
        bytes: What the store's files hold, without the room in them that is free.
        max_bytes: The cap that the operator set; 0 is none.
        disk_free_bytes: What the disk still has for the store; None if the store is not on a disk.
        refuses: Why new messages are refused at the moment; empty if they are not.
        damaged: The number of records found, since the start, that cannot be read.
        is_malformed: Whether the store found, since the start, that its file is damaged in more than one record.
        messages: The messages whose content is there, or a number somewhat above that.
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
        """What `/-/ready` tells of it: how near the store is to refusing messages, and no figure of its traffic."""
        damage = {"damaged_records": self.damaged, "malformed": self.is_malformed}
        return {"storage": self.level} | {name: value for name, value in damage.items() if value}
