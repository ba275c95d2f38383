"""Operations that ended without an outcome are taken back: nobody got the message, so it must be there again.

An operation ends like that when its deadline passes, or its caller leaves, while a change of it is uncertain. Until
that is not settled, this server starts no other operation on the key. What cannot be settled before the marker of a
destroyed message is gone, since the engine is away for so long, stays as the engine has it.
"""

import asyncio
import logging
from typing import Any

from crypt_api.server.stores.valkey.keys import Keys, Written
from crypt_api.server.stores.valkey.operation import Change, Operation
from crypt_api.server.stores.valkey.stored_value import MARKER_SECONDS, Value, restored, touched
from crypt_core.errors import StorageUnavailable

logger = logging.getLogger(__name__)


class Settlements:
    """The operations that are being taken back."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_key: dict[bytes, asyncio.Task[None]] = {}

    async def wait(self, key: bytes) -> None:
        """Wait until nothing is being taken back under the key."""
        # A task that is done may not have left the table yet: to wait for it would not let the event loop go on.
        while (task := self._by_key.get(key)) is not None and not task.done():
            await asyncio.shield(task)

    def take_back(self, operation: Operation[Any]) -> None:
        """Begin to take the operation back, after what is being taken back under its key."""
        key = operation.key
        task = asyncio.ensure_future(self._take_back(key, list(operation.uncertain), self._by_key.get(key)))
        self._by_key[key] = task
        task.add_done_callback(lambda task: self._by_key.pop(key) if self._by_key.get(key) is task else None)

    def close(self) -> None:
        for task in self._by_key.values():
            task.cancel()

    async def _take_back(self, key: bytes, changes: list[Change], earlier: asyncio.Task[None] | None) -> None:
        try:
            async with asyncio.timeout(MARKER_SECONDS):
                if earlier is not None:
                    await earlier
                await take_back(self._keys, key, changes)
        except (TimeoutError, StorageUnavailable) as error:
            logger.warning("an operation could not be taken back: %s", str(error) or "the engine is away for too long")


async def take_back(keys: Keys, key: bytes, changes: list[Change]) -> None:
    """Make sure that none of the changes is in effect, and that none can take effect any more, safe from a failover.

    A change that somebody else has built on stays: others were told what rests on it.
    """
    before = {change.after.write: change.before for change in changes}
    unsafe = {_write(change.before) for change in changes}
    while True:
        value, now = await keys.read(key)
        if value is not None and value.write in before:
            after = restored(before[value.write])
        elif _write(value) in unsafe:
            after = touched(value)  # a change that is still under way finds another value than it expects
        else:
            if value is not None and not before.keys().isdisjoint(value.claims):
                logger.warning("what was answered with 503 stays in effect: others were told of it")
            return
        unsafe.add(after.write)
        if await keys.write(key, value, after, now=now, even_if_full=True) is Written.DONE:
            return


def _write(value: Value | None) -> bytes:
    return b"" if value is None else value.write
