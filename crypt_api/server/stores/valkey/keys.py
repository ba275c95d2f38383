"""One key at a time: read it, or change it by compare-and-set, on whichever primary has it."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum, auto

from redis.exceptions import AskError, ClusterDownError, OutOfMemoryError, ResponseError, TryAgainError

from crypt_api.server.stores.valkey.compare_and_set import KEEP_LIFE, create, replace, replace_by_script
from crypt_api.server.stores.valkey.connection import EngineCommand, error_code
from crypt_api.server.stores.valkey.group_commit import ASKING, Executed, NotSent, Unanswered
from crypt_api.server.stores.valkey.lease_ends import TELLING_SECONDS, remember, swept_at
from crypt_api.server.stores.valkey.primary import Primary, Session
from crypt_api.server.stores.valkey.stored_value import MARKER_SECONDS, Value, parse
from crypt_api.server.stores.valkey.topology import Topology
from crypt_core.record import Record
from crypt_core.store import StorageUnavailable

ELSEWHERE = (AskError, ClusterDownError, TryAgainError)  # and `MovedError`, which is an `AskError`
"""Another node has the key, or will soon. Nothing was executed."""

NOT_NOW = ("READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "MISCONF")
"""This engine does not take the command, or not now. Nothing was executed."""

PAUSE = 0.02
"""Seconds until a command is sent again that was sent elsewhere."""


class Written(Enum):
    """The result of a write."""

    DONE = auto()
    """It took effect, and is safe by the fence."""

    OVERTAKEN = auto()
    """It had no effect, and never will: the key has another value."""

    FULL = auto()
    """It had no effect, and never will: the engine has no memory for it."""

    UNCERTAIN = auto()
    """It may have taken effect, or may yet; or it did and is not safe."""


class Keys:
    """Reads and changes single keys.

    Commands that the engine has certainly not executed are sent again until it executes them; the caller has the
    deadline. A write whose reply is lost is never sent again.

    Attributes:
        topology: Where the keys are.
    """

    def __init__(self, topology: Topology, prefix: str, deadline: float) -> None:
        self.topology = topology
        self._trouble = ""
        self._prefix = prefix.encode()
        self._deadline = deadline
        self._fenced: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    @property
    def trouble(self) -> str:
        """For the log: why no primary is known, or the last reason why a command was sent again, or is uncertain."""
        return self.topology.trouble or self._trouble

    def key(self, message_id: str) -> bytes:
        return self._prefix + message_id.encode()

    def message_id(self, key: bytes) -> str:
        return key.removeprefix(self._prefix).decode()

    async def read(self, key: bytes, *, even_if_unsafe: bool = False) -> tuple[Value | None, float]:
        """The value of the key, and the engine's time just before."""
        while True:
            with suppress(Unanswered):
                executed = await self.call(key, lambda _: [(b"GET", key)], even_if_unsafe=even_if_unsafe)
                stored = executed.replies[-1]
                return (parse(stored) if isinstance(stored, bytes) else None), executed.now

    async def write(
        self, key: bytes, before: Value | None, after: Value, *, now: float, even_if_full: bool = False
    ) -> Written:
        """Replace `before` by `after`: DONE only if it is safe from a failover.

        Args:
            key: The key.
            before: The value that it must have; None if it must have none.
            after: The new value. The record in it also says how long the key lives.
            now: The engine's time.
            even_if_full: Write although the engine's memory is full.

        Raises:
            StorageUnavailable: The engine refuses it, or to remember when it ends. It may have taken effect.
        """
        life = _life(after.record, now)

        def commands(session: Session) -> Sequence[EngineCommand]:
            if before is None and not even_if_full:
                return [create(key, after.stored, life)]
            old = b"" if before is None else before.stored
            is_same = before is not None and before.record is after.record
            rest = KEEP_LIFE if is_same else life
            if even_if_full or not session.has_ifeq:
                return [replace_by_script(key, old, after.stored, rest)]
            return [replace(key, old, after.stored, rest)]

        try:
            ends_at = swept_at(after.record)
            if ends_at is None:
                executed = await self.call(key, commands, writes=True)
            else:
                ends = self.topology.lease_ends_for(key)
                remembering = self.call(ends, lambda _: [remember(ends, key, ends_at)], writes=True)
                _, executed = await asyncio.gather(remembering, self.call(key, commands, writes=True))
        except Unanswered:
            return Written.UNCERTAIN
        except OutOfMemoryError:
            return Written.FULL
        if executed.replies[-1] is None:
            return Written.OVERTAKEN
        self._remember_fenced(key, after, executed.sent_at)
        return Written.DONE

    async def write_unfenced(self, key: bytes, before: Value | None, after: Value, *, now: float) -> None:
        """Replace `before` by `after`, if a primary answers at all. A `write` must follow: it has the fence."""
        old = b"" if before is None else before.stored
        replacing = replace_by_script(key, old, after.stored, _life(after.record, now))
        with suppress(Unanswered):
            await self.call(key, lambda _: [replacing], even_if_unsafe=True)

    def is_safe(self, key: bytes, value: Value, since: float) -> bool:
        """Whether a fence has held, after the event loop's time `since`, for the change or touch that made it."""
        write, sent_at = self._fenced.get(key, (b"", 0.0))
        return write == value.write and sent_at >= since

    async def connected(self, key: bytes) -> None:
        """Wait until commands for the key can be sent."""
        await self._session(key)

    async def call(
        self,
        key: bytes,
        commands: Callable[[Session], Sequence[EngineCommand]],
        *,
        writes: bool = False,
        even_if_unsafe: bool = False,
    ) -> Executed:
        """Send commands to the primary of the key, until they are executed; the last of them is not an error.

        Args:
            key: The key.
            commands: Makes the commands for a session with the primary.
            writes: Send them over the connection whose groups have a fence.
            even_if_unsafe: Send them to a primary whose first fence has not held yet, too.

        Raises:
            Unanswered: They may have been executed.
            OutOfMemoryError: The engine is full.
            StorageUnavailable: The engine refuses, and will go on to refuse.
        """
        asking: Primary | None = None
        while True:
            session = (asking and asking.session) or await self._session(key, even_if_unsafe=even_if_unsafe)
            pipeline = session.writes if writes else session.reads
            ask = [ASKING] if asking else []
            try:
                executed = await pipeline.submit([*ask, *commands(session)])
            except NotSent:
                continue
            reply = executed.replies[-1]
            if not isinstance(reply, ResponseError):
                return executed
            asking = self._refused(session, reply)
            if asking is None:
                await asyncio.sleep(PAUSE)

    def _refused(self, session: Session, error: ResponseError) -> Primary | None:
        """See to it that the commands can be sent again, to the primary that is returned if the engine says so."""
        code = self._trouble = error_code(error)
        if isinstance(error, OutOfMemoryError):
            raise error
        if isinstance(error, ELSEWHERE):
            return self.topology.redirected(error)
        if code in NOT_NOW:
            session.fail(code)
            return None
        raise StorageUnavailable(f"the engine refuses: {code}")

    async def _session(self, key: bytes, *, even_if_unsafe: bool = False) -> Session:
        while True:
            primary = await self.topology.primary(key)
            session = primary.any_session if even_if_unsafe else primary.session
            if session is not None:
                return session
            self._trouble = primary.reason
            await primary.news()

    def _remember_fenced(self, key: bytes, value: Value, sent_at: float) -> None:
        if value.write != value.last_claim:
            return  # by a take-back: what it wrote back may itself be taken back, by another server
        self._fenced[key] = (value.write, sent_at)
        self._fenced.move_to_end(key)
        while next(iter(self._fenced.values()))[1] < sent_at - self._deadline:  # no update is older than that
            self._fenced.popitem(last=False)


def _life(record: Record | None, now: float) -> int:
    """How long a key with the record lives, in milliseconds: until nothing is left of it, or for a while as a marker.

    It begins when the engine executes the write, a little after `now`: so the key outlives its record by that little.
    `messages.decide` judges by the times in the record.
    """
    if record is None:
        return MARKER_SECONDS * 1_000
    gone_at = record.due_at if swept_at(record) is None else record.expires_at
    if record.tells_end:
        gone_at += TELLING_SECONDS
    return max(1, math.ceil((gone_at - now) * 1_000))
