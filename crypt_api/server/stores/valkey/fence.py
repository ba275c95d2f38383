"""What makes a group of writes safe: every replica that may be promoted has it, and it is on the disks."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypt_api.server.stores.valkey.connection import Command, ConnectionLost, Reply


class FenceFailed(ConnectionLost):
    """Not enough replicas or disks had the group in time. It was executed, and a failover may lose it."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The commands that follow each group of writes on their connection, and wait for all earlier writes of it.

    `WAIT` comes before `WAITAOF`: alone, `WAITAOF` takes most of a second, since a replica acknowledges what it got
    before it has written it. After `WAIT` the two take a millisecond.

    Attributes:
        replicas: Replicas that must have the writes.
        fsyncs: Whether the primary has an append-only file, which must have them, too.
        fsync_replicas: Replicas whose append-only file must have them.
        timeout: Seconds that each of the two commands may wait.
    """

    replicas: int = 0
    fsyncs: bool = False
    fsync_replicas: int = 0
    timeout: float = 1.0

    @property
    def commands(self) -> list[Command]:
        milliseconds = max(1, int(self.timeout * 1_000))
        commands: list[Command] = []
        if self.replicas:
            commands.append((b"WAIT", self.replicas, milliseconds))
        if self.fsyncs:
            commands.append((b"WAITAOF", 1, self.fsync_replicas, milliseconds))
        return commands

    def check(self, replies: Sequence[Reply]) -> None:
        """Raise `FenceFailed` unless the replies to `commands` say that the writes are safe."""
        rest = list(replies)
        if self.replicas:
            have = rest.pop(0)
            if not isinstance(have, int) or have < self.replicas:
                raise FenceFailed(f"not safe from a failover: WAIT {self.replicas}: {_said(have)}")
        if self.fsyncs:
            have = rest.pop(0)
            if not isinstance(have, list) or have[0] < 1 or have[1] < self.fsync_replicas:
                raise FenceFailed(f"not safe from a failover: WAITAOF 1 {self.fsync_replicas}: {_said(have)}")


NO_FENCE = Fence()


def _said(reply: Reply) -> str:
    return " ".join(map(str, reply)) if isinstance(reply, list) else str(reply)
