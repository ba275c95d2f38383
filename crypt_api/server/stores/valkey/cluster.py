"""A Cluster: each of its primaries has some of the 16,384 slots, and a key is in the slot of its CRC-16."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

from redis.crc import key_slot
from redis.exceptions import AskError, ResponseError

from crypt_api.server.stores.valkey.connection import Address, ConnectionLost, refusal
from crypt_api.server.stores.valkey.engine import EngineClock, Findings
from crypt_api.server.stores.valkey.primary import Primary, open_connection
from crypt_api.server.stores.valkey.url import Host, ValkeySettings

LEASE_ENDS = 64
"""Sorted sets of lease ends, spread over the nodes."""

PAUSE = 0.1
"""Seconds between two looks at which node has which slots."""


class Cluster:
    """The primaries by slot, as a node reported them last. `trouble` says why none did at the last look."""

    def __init__(self, settings: ValkeySettings, clock: EngineClock, findings: Findings) -> None:
        self._settings = settings
        self._clock = clock
        self._findings = findings
        prefix = settings.prefix.encode()
        self._lease_ends = [b"%s!lease-ends:{%d}" % (prefix, number) for number in range(LEASE_ENDS)]
        self._primaries: dict[Host, Primary] = {}
        self._by_slot: dict[int, Primary] = {}
        self._has_changed = asyncio.Event()
        self._is_stale = asyncio.Event()
        self._is_stale.set()
        self.trouble = ""
        self._looking = asyncio.ensure_future(self._look())

    async def primary(self, key: bytes) -> Primary:
        slot = key_slot(key)
        while (primary := self._by_slot.get(slot)) is None:
            self._is_stale.set()
            await self._has_changed.wait()
        if primary.session is None:
            self._is_stale.set()  # it may have a successor
        return primary

    def redirected(self, error: ResponseError) -> Primary | None:
        if type(error) is AskError and (primary := self._primaries.get((error.host, error.port))):
            return primary
        self._is_stale.set()
        return None

    def lease_ends_for(self, key: bytes) -> bytes:
        primary = self._by_slot.get(key_slot(key))
        same = (ends for ends in self._lease_ends if self._by_slot.get(key_slot(ends)) is primary)
        return next(same, self._lease_ends[0])

    @property
    def all_lease_ends(self) -> Sequence[bytes]:
        return self._lease_ends

    @property
    def primaries(self) -> Sequence[Primary]:
        return list(self._primaries.values())

    def close(self) -> None:
        self._looking.cancel()
        for primary in self._primaries.values():
            primary.close()

    async def _look(self) -> None:
        """Ask for the slots of each node again, whenever a key was not found at its primary."""
        while True:
            await self._is_stale.wait()
            try:
                self._take(await self._ask_a_node())
            except ConnectionLost as error:
                self.trouble = str(error)
            else:
                self.trouble = ""
                self._is_stale.clear()
            self._has_changed.set()
            self._has_changed.clear()
            await asyncio.sleep(PAUSE)

    async def _ask_a_node(self) -> list[tuple[range, Host]]:
        reason = ""
        for host in {**self._primaries, **dict.fromkeys(self._settings.hosts)}:
            try:
                async with asyncio.timeout(self._settings.deadline / 2):
                    connection = await open_connection(host, self._settings)
                    try:
                        [reply] = await connection.call([(b"CLUSTER", b"SLOTS")])
                    finally:
                        connection.close()
            except (ConnectionLost, TimeoutError) as error:
                reason = str(error)
                continue
            if isinstance(reply, ResponseError):
                reason = refusal("CLUSTER", reply)
            elif isinstance(reply, list) and reply:
                return _parse_slots(reply, host[0])
        raise ConnectionLost(reason or "no node of the Cluster answers")

    def _take(self, owners: list[tuple[range, Host]]) -> None:
        self._by_slot.clear()
        for slots, host in owners:
            primary = self._primary_at(host, slots)
            self._by_slot.update(dict.fromkeys(slots, primary))
        for host in self._primaries.keys() - {host for _, host in owners}:
            self._primaries.pop(host).close()

    def _primary_at(self, host: Host, slots: range) -> Primary:
        async def locate() -> Address:
            return host

        fence_key = b"%s!fence:{%s}" % (self._settings.prefix.encode(), _tag_in(slots))
        if host not in self._primaries:
            self._primaries[host] = Primary(locate, self._settings, self._clock, self._findings, fence_key)
        self._primaries[host].fence_key = fence_key
        return self._primaries[host]


def _parse_slots(reply: list[Any], asked: str) -> list[tuple[range, Host]]:
    """The primaries in the reply to `CLUSTER SLOTS`. A node without a name is the one that was asked."""
    return [
        (range(first, last + 1), (primary[0].decode() if primary[0] else asked, primary[1]))
        for first, last, primary, *_ in reply
    ]


def _tag_in(slots: range) -> bytes:
    """A hash tag whose keys are in one of the slots."""
    return next(tag for number in count() if key_slot(tag := b"%d" % number) in slots)
