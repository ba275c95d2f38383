"""The store: each command is an update of one key, with a deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from crypt_api.server.stores.reporting import Usage
from crypt_api.server.stores.valkey.engine import EngineClock, Findings
from crypt_api.server.stores.valkey.keys import Keys
from crypt_api.server.stores.valkey.lease_sweep import sweep_for_ever
from crypt_api.server.stores.valkey.memory_watch import MemoryWatch
from crypt_api.server.stores.valkey.shared_limits import SharedLimits
from crypt_api.server.stores.valkey.take_back import TakeBacks
from crypt_api.server.stores.valkey.topology import open_topology
from crypt_api.server.stores.valkey.update import EngineFull, Update
from crypt_api.server.stores.valkey.url import ValkeySettings
from crypt_core.commands import Acknowledge, Command, Create
from crypt_core.events import OnEvent, ignore
from crypt_core.limits.client_limits import ClientLimits
from crypt_core.messages import decide
from crypt_core.outcomes import Outcome
from crypt_core.settings import Settings
from crypt_core.store import StorageUnavailable


class ValkeyStore:
    """Keeps messages in Valkey or Redis. Any number of servers may use the same engine."""

    def __init__(
        self, settings: ValkeySettings, *, clock: Callable[[], float] | None = None, on_event: OnEvent = ignore
    ) -> None:
        """Nothing is connected before `connect` or the first command.

        Args:
            settings: The engine.
            clock: In place of the engine's; tests pass one.
            on_event: Receives what senders want to be told, when it is safe from a failover.
        """
        self._settings = settings
        self._clock = EngineClock(clock)
        self._findings = Findings()
        self._memory = MemoryWatch()
        self._on_event = on_event
        self._live: _Live | None = None

    def check(self) -> None:
        """Connect once, and log which promises the engine's settings keep.

        Raises:
            StorageUnavailable: The engine cannot be reached, or not be used; the text says why.
        """
        with ThreadPoolExecutor(1) as thread:  # the caller's event loop may be running
            thread.submit(asyncio.run, self._check()).result()

    async def _check(self) -> None:
        live = self._open()
        try:
            await self._connect(live)
            await self._memory.look(live.keys.topology)
        finally:
            live.close()

    async def connect(self) -> None:
        """Connect on the event loop that runs, so that the first requests find the engine, and its limits.

        Raises:
            StorageUnavailable: The engine cannot be reached, or not be used; the text says why.
        """
        await self._connect(self.live)

    async def _connect(self, live: "_Live") -> None:
        try:
            async with asyncio.timeout(2 * self._settings.deadline):
                await live.keys.connected(b"")
        except TimeoutError:
            raise StorageUnavailable(f"cannot use the engine: {live.keys.trouble}") from None

    @property
    def live(self) -> "_Live":
        """What is connected, on the event loop that runs."""
        if self._live is None:
            self._live = self._open()
        return self._live

    def _open(self) -> "_Live":
        return _Live(self._settings, self._clock, self._findings, self._memory, self._on_event)

    async def apply(self, message_id: str, command: Command) -> Outcome:
        try:
            return await self.live.apply(message_id, command)
        except EngineFull:
            self._memory.message_refused()
            raise

    def shared_limits(self, settings: Settings, own: ClientLimits, on_fallback: Callable[[], None]) -> ClientLimits:
        """The limits over all servers that use the engine."""
        return SharedLimits(lambda: self.live.keys.topology, self._settings, settings, own, on_fallback)

    @property
    def usage(self) -> Usage:
        """The engine's memory and the number of its keys, as they were seen last."""
        return self._memory.usage

    def close(self) -> None:
        if self._live is not None:
            self._live.close()
            self._live = None


class _Live:
    """The store on one event loop."""

    def __init__(
        self,
        settings: ValkeySettings,
        clock: EngineClock,
        findings: Findings,
        memory: MemoryWatch,
        on_event: OnEvent,
    ) -> None:
        self._deadline = settings.deadline
        self._clock = clock
        self._on_event = on_event
        self._topology = open_topology(settings, clock, findings)
        self.keys = Keys(self._topology, settings.prefix, settings.deadline)
        self._take_backs = TakeBacks(self.keys, patience=settings.deadline / 2)
        self._background = [
            asyncio.ensure_future(sweep_for_ever(self.keys, clock, on_event)),
            asyncio.ensure_future(memory.look_for_ever(self._topology)),
        ]

    async def apply(self, message_id: str, command: Command) -> Outcome:
        key = self.keys.key(message_id)
        update: Update[Outcome] = Update(
            self.keys,
            key,
            lambda record, now: decide(record, command, now),
            fences_missing=isinstance(command, Acknowledge),
            on_event=self._on_event,
        )
        try:
            async with asyncio.timeout(self._deadline):
                await self._take_backs.wait(key)
                is_new = isinstance(command, Create)  # most probably
                return await update.until_certain(now=self._clock.now() if is_new else None)
        except TimeoutError:
            trouble = self.keys.trouble
            if update.uncertain:
                await self._take_backs.restored(self._take_backs.take_back(update))
            raise StorageUnavailable(f"no certain answer in {self._deadline:g} s: {trouble}") from None
        finally:
            if update.uncertain:
                self._take_backs.take_back(update)

    def close(self) -> None:
        for task in self._background:
            task.cancel()
        self._take_backs.close()
        self._topology.close()
