"""Updates that ended without an outcome are taken back: nobody got the message, so it must be there again.

An update ends like that when its deadline passes, or its caller leaves, while one of its writes is uncertain. Touches
are taken back, too: they stand above the changes of others, which could not be taken back otherwise.

It is done in two steps. First the old value is written back at once, without a fence, as soon as a primary answers:
other servers look at the key meanwhile, and must not find, nor tell anybody, what nobody was told. Then the same value
is written again, with a fence.

While a claim of somebody else stands above, nothing can be taken back. That other update is either taken back soon, by
its own server, or its caller was told of it, and then what is below it stays. Nobody can tell which of the two it is,
so the server looks again and again. What is not taken back before the marker of a destroyed message is gone stays as
the engine has it.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from crypt_api.server.stores.valkey.keys import Keys, Written
from crypt_api.server.stores.valkey.stored_value import MARKER_SECONDS, Value, rewritten
from crypt_api.server.stores.valkey.update import Attempt, Update
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 1.0
"""Seconds between two looks at a key where a claim of somebody else stands above. They grow."""


class Progress:
    """How far one take-back is.

    Attributes:
        restored: Set when the old value is there again, perhaps without a fence, or nothing is left to do.
        unblocked: Set when this server may start other updates on the key.
    """

    def __init__(self, patience: float) -> None:
        """`patience` is the seconds after which a claim of somebody else no longer blocks the key."""
        self.restored = asyncio.Event()
        self.unblocked = asyncio.Event()
        self._patience = patience
        self.is_hindered = False

    def hindered(self) -> None:
        """A claim of somebody else stands above."""
        if not self.is_hindered:
            asyncio.get_running_loop().call_later(self._patience, self.unblocked.set)
        self.is_hindered = True

    def ended(self) -> None:
        self.restored.set()
        self.unblocked.set()


class TakeBacks:
    """The updates that are being taken back. Until one is, this server starts no other update on its key."""

    def __init__(self, keys: Keys, patience: float) -> None:
        """`patience` is the seconds that others wait for a take-back which is hindered, or cannot reach an engine."""
        self._keys = keys
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_key: dict[bytes, set[Progress]] = {}

    async def wait(self, key: bytes) -> None:
        """Wait until nothing is being taken back under the key, but for what other servers hinder."""
        while blocking := [progress for progress in self._by_key.get(key, ()) if not progress.unblocked.is_set()]:
            await blocking[0].unblocked.wait()

    def take_back(self, update: Update[Any]) -> Progress:
        """Begin to take the update back."""
        progress = Progress(self._patience)
        self._by_key.setdefault(update.key, set()).add(progress)
        attempts, update.uncertain = update.uncertain, []
        task = asyncio.ensure_future(self._take_back(update, attempts, progress))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return progress

    async def restored(self, progress: Progress) -> None:
        """Wait until the take-back has written the old value back; not for ever."""
        with suppress(TimeoutError):
            await asyncio.wait_for(progress.restored.wait(), self._patience)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _take_back(self, update: Update[Any], attempts: list[Attempt], progress: Progress) -> None:
        key = update.key
        try:
            async with asyncio.timeout(MARKER_SECONDS):
                await take_back(self._keys, key, attempts, progress)
        except (TimeoutError, StorageUnavailable) as error:
            reason = "others were told of it" if progress.is_hindered else "the engine is away for too long"
            if progress.is_hindered:
                update.tell()
            logger.warning("what was answered with 503 may stay in effect: %s", str(error) or reason)
        finally:
            progress.ended()
            self._by_key[key].remove(progress)
            if not self._by_key[key]:
                del self._by_key[key]


async def take_back(keys: Keys, key: bytes, attempts: list[Attempt], progress: Progress) -> None:
    """Make sure that no attempt is in effect, and that none can take effect any more, safe from a failover."""
    before = {attempt.after.write: attempt.before for attempt in attempts}
    expected = {_write(attempt.before) for attempt in attempts}
    restored: set[bytes] = set()
    pause = FIRST_PAUSE
    while True:
        value, now = await keys.read(key, even_if_unsafe=True)
        if value is not None and value.last_claim in before:
            after = rewritten(_before_all(value, before))
        elif value is not None and not before.keys().isdisjoint(value.claims):
            progress.hindered()
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)
            continue
        elif value is None and b"" not in expected | restored:
            return  # the message has expired
        else:
            # An attempt that is still under way finds another value than it expects. And if somebody else took the
            # attempt away from below, a failover may yet bring it back: so that is written again, with a fence, too.
            after = rewritten(value)
        if _write(value) not in restored:
            await keys.write_unfenced(key, value, after, now=now)
        else:
            progress.restored.set()
            if await keys.write(key, value, after, now=now, even_if_full=True) is Written.DONE:
                return
        restored.add(after.write)


def _before_all(value: Value, before: dict[bytes, Value | None]) -> Value | None:
    """The value before the attempts at the top of its claims."""
    below: Value | None = value
    while below is not None and below.last_claim in before:
        below = before[below.last_claim]
    return below


def _write(value: Value | None) -> bytes:
    return b"" if value is None else value.write
