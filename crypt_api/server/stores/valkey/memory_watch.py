"""The engine's memory, role and number of keys, looked at every two seconds, so that no request waits for it.

An engine may become a replica, or begin to evict, while nothing is written: then nothing else would tell.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from crypt_api.server.stores.reporting import LARGEST_MESSAGE_BYTES, Usage
from crypt_api.server.stores.valkey.engine import LOOK, parse_info, refusal_now
from crypt_api.server.stores.valkey.group_commit import NotSent, Unanswered
from crypt_api.server.stores.valkey.primary import Primary
from crypt_api.server.stores.valkey.topology import Topology

logger = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two looks."""


ROOM = 3 * LARGEST_MESSAGE_BYTES
"""Bytes that the engine needs to take the largest message: the command is in its memory, too, while it is executed."""

REFUSAL_SECONDS = 60.0
"""After a refusal, the engine is reported as full for so long. A large group of commands needs more room than one."""

FULL = "the engine is full"


class MemoryWatch:
    """The state of the engine's memory at the last look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = Usage()
        self._refused_until = -math.inf

    @property
    def usage(self) -> Usage:
        """The memory of the engine; of a Cluster, that of its fullest primary.

        All keys, on all primaries together, count as messages.
        """
        return replace(self._seen, refuses=FULL) if self._clock() < self._refused_until else self._seen

    def message_refused(self) -> None:
        """The engine had no room for a new message."""
        self._refused_until = self._clock() + REFUSAL_SECONDS

    async def look_for_ever(self, topology: Topology) -> None:
        while True:
            try:
                await self.look(topology)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look tries again
                logger.warning("the engine's memory is not known: %s", type(error).__name__)
            await asyncio.sleep(INTERVAL)

    async def look(self, topology: Topology) -> None:
        seen = [usage for primary in topology.primaries if (usage := await _ask(primary)) is not None]
        if seen:
            self._seen = replace(max(seen, key=_fullness), messages=sum(usage.messages for usage in seen))


def _fullness(usage: Usage) -> tuple[float, int]:
    return usage.share, usage.bytes


async def _ask(primary: Primary) -> Usage | None:
    """The state of one primary; None if it does not answer. One that cannot be used any more is given up."""
    if (session := primary.session) is not None:
        with suppress(NotSent, Unanswered):
            match (await session.reads.submit(list(LOOK.values()))).replies:
                case [bytes(text), int(keys)]:
                    info = parse_info(text)
                    if refusal := refusal_now(info["role"], info["maxmemory_policy"]):
                        session.fail(refusal)
                    return _usage(info, keys)
    return None


def _usage(info: Mapping[str, str], keys: int) -> Usage:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    return Usage(used, most, refuses=FULL if 0 < most <= used + ROOM else "", messages=keys)
