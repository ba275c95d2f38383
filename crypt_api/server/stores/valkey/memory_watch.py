"""How much memory the engine has left, and how many keys: looked at now and then, so that nobody waits for it."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from crypt_api.server.stores.reporting import Usage
from crypt_api.server.stores.valkey.connection import Reply
from crypt_api.server.stores.valkey.engine import parse_info
from crypt_api.server.stores.valkey.group_commit import NotSent, Unanswered
from crypt_api.server.stores.valkey.primary import Primary
from crypt_api.server.stores.valkey.topology import Topology

logger = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two looks."""


class MemoryWatch:
    """What was seen last.

    Attributes:
        usage: The memory of the engine; of a Cluster, that of its fullest primary. All keys, on all primaries together,
            count as messages.
    """

    def __init__(self) -> None:
        self.usage = Usage()

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
            self.usage = replace(max(seen, key=_fullness), messages=sum(usage.messages for usage in seen))


def _fullness(usage: Usage) -> tuple[float, int]:
    return usage.share, usage.bytes


async def _ask(primary: Primary) -> Usage | None:
    """What one primary says; None if it does not say."""
    if primary.session is not None:
        with suppress(NotSent, Unanswered):
            executed = await primary.session.reads.submit([(b"INFO", b"memory"), (b"DBSIZE",)])
            return _usage(executed.replies)
    return None


def _usage(replies: Iterable[Reply]) -> Usage | None:
    match list(replies):
        case [bytes(text), int(keys)]:
            info = parse_info(text)
            used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
            refuses = "the engine is full" if 0 < most <= used else ""
            return Usage(used, most, refuses=refuses, messages=keys)
        case _:
            return None
