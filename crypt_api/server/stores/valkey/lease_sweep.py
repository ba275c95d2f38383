"""The sweep: contents whose lease has ended are destroyed, and their tombstones stay; senders are told of the end.

However many servers sweep, one changes the record, and that one tells the sender.
"""

import asyncio
import logging
import random

from crypt_api.server.stores.valkey.engine import EngineClock
from crypt_api.server.stores.valkey.keys import Keys
from crypt_api.server.stores.valkey.lease_ends import forget, over
from crypt_api.server.stores.valkey.update import Update
from crypt_core.events import OnEvent
from crypt_core.messages import expire
from crypt_core.record import Record
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two sweeps of one server; shortened at random, so that servers take turns."""


async def sweep_for_ever(keys: Keys, clock: EngineClock, on_event: OnEvent) -> None:
    complaint = ""
    while True:
        await asyncio.sleep(INTERVAL * random.uniform(0.5, 1))  # noqa: S311 - no secret
        try:
            now = clock.now()
            await asyncio.gather(*(_sweep(keys, ends, now, on_event) for ends in keys.topology.all_lease_ends))
            complaint = ""
        except Exception as error:  # noqa: BLE001 - whatever it was, the next sweep tries again
            trouble = str(error) or type(error).__name__
            if trouble != complaint:  # each once, until a sweep goes well
                logger.warning("a sweep failed, and is tried again: %s", trouble)
            complaint = trouble


async def _sweep(keys: Keys, ends: bytes, now: float, on_event: OnEvent) -> None:
    skipped = 0  # those that stay: they must not hide what is due after them
    refused = None
    while due := await _due(keys, ends, now, skipped):
        swept = []
        for key in due:
            try:
                await Update(keys, key, _expired, on_event=on_event).until_certain()
            except StorageUnavailable as error:  # a newer release's, perhaps: its own servers sweep it
                refused = error
            else:
                swept.append(key)
        if swept:
            await _forget(keys, ends, swept)
        skipped += len(due) - len(swept)
    if refused is not None:
        raise refused


async def _due(keys: Keys, ends: bytes, now: float, skipped: int) -> list[bytes]:
    executed = await keys.call(ends, lambda _: [over(ends, now, skipped)])
    [due] = executed.replies
    return due if isinstance(due, list) else []


async def _forget(keys: Keys, ends: bytes, swept: list[bytes]) -> None:
    await keys.call(ends, lambda _: [forget(ends, swept)], writes=True)


def _expired(record: Record | None, now: float) -> tuple[Record | None, None]:
    return (None if record is None else expire(record, now)), None
