"""The fence: a group of writes is safe when every replica that may be promoted has it, and the disks have it."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.connection import ConnectionLost, EngineCommand, Reply, error_code


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
        replica_timeout: Seconds that the replicas have.
        fsync_timeout: Seconds that the disks have after that.
    """

    replicas: int = 0
    fsyncs: bool = False
    fsync_replicas: int = 0
    replica_timeout: float = 0.5
    fsync_timeout: float = 1.0

    @property
    def timeout(self) -> float:
        """Seconds that the fence may take."""
        return self.replica_timeout * bool(self.replicas) + self.fsync_timeout * self.fsyncs

    @property
    def commands(self) -> list[EngineCommand]:
        commands: list[EngineCommand] = []
        if self.replicas:
            commands.append((b"WAIT", self.replicas, max(1, int(self.replica_timeout * 1_000))))
        if self.fsyncs:
            commands.append((b"WAITAOF", 1, self.fsync_replicas, max(1, int(self.fsync_timeout * 1_000))))
        return commands

    def check(self, replies: Sequence[Reply]) -> None:
        """Raise `FenceFailed` unless the replies to `commands` say that the writes are safe."""
        rest = list(replies)
        if self.replicas:
            have = rest.pop(0)
            if not isinstance(have, int) or have < self.replicas:
                said = f"WAIT {self.replicas}: {_said(have)}"
                raise FenceFailed(f"a replica is away, or replicas={self.replicas} is more than there are ({said})")
        if self.fsyncs:
            have = rest.pop(0)
            if not isinstance(have, list) or have[0] < 1 or have[1] < self.fsync_replicas:
                said = f"WAITAOF 1 {self.fsync_replicas}: {_said(have)}"
                raise FenceFailed(f"a write is not on the disk in time, here or on a replica ({said})")


NO_FENCE = Fence()


def _said(reply: Reply) -> str:
    if isinstance(reply, ResponseError):
        return error_code(reply)
    return " ".join(map(str, reply)) if isinstance(reply, list) else str(reply)
