"""The engine: its kind and version, the promises that its settings keep or break, and its clock."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crypt_api.server.stores.valkey.connection import Connection, ConnectionLost, EngineCommand, Reply
from crypt_api.server.stores.valkey.fence import Fence
from crypt_api.server.stores.valkey.url import ValkeySettings

logger = logging.getLogger(__name__)

Version = tuple[int, ...]

OLDEST_VALKEY: Version = (7, 2)
OLDEST_REDIS: Version = (7, 2)
"""The first with `WAITAOF`."""


class EngineClock:
    """The engine's clock, one for all servers. It comes with every group of commands, without a round trip."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """A `clock` replaces the engine's: tests let time pass."""
        self._clock = clock
        self._offset = time.time() - time.monotonic()  # until the first reply

    def observe(self, reply: Reply) -> float:
        """Take the reply to a `TIME`; return the engine's time: Unix time in seconds."""
        if self._clock is not None:
            return self._clock()
        if not isinstance(reply, list):
            raise ConnectionLost("TIME is refused")
        now = int(reply[0]) + int(reply[1]) / 1_000_000
        self._offset = now - time.monotonic()
        return now

    def now(self) -> float:
        """The engine's time by the last reply, and the time since then."""
        return time.monotonic() + self._offset if self._clock is None else self._clock()


def refusal_now(role: str, eviction: str) -> str:
    """Why an engine cannot be used, by what may change while it runs: its fields of `INFO`. Empty if it can."""
    if role != "master":
        return "READONLY: this is a replica"
    if eviction != "noeviction":
        return f"maxmemory-policy is {eviction}, and messages that wait would be evicted: set noeviction"
    return ""


@dataclass(frozen=True, slots=True)
class Engine:
    """The facts that an engine reports about itself.

    Attributes:
        is_valkey: Whether it is Valkey, and not Redis.
        version: Such as `(9, 1, 2)`.
        is_primary: Whether it takes writes.
        has_append_only_file: Whether its writes go to a file.
        appendfsync: When they are on the disk: `always`, `everysec` or `no`; empty where it does not say.
        eviction: The policy when its memory is full.
        max_memory: Bytes; 0 is no limit.
        replicas: Replicas that are connected.
        is_cluster: Whether it is a node of a Cluster.
    """

    is_valkey: bool
    version: Version
    is_primary: bool
    has_append_only_file: bool
    appendfsync: str
    eviction: str
    max_memory: int
    replicas: int
    is_cluster: bool

    @property
    def title(self) -> str:
        return f"{'Valkey' if self.is_valkey else 'Redis'} {'.'.join(map(str, self.version))}"

    def fence(self, settings: ValkeySettings) -> Fence:
        return Fence(
            settings.replicas,
            self.has_append_only_file,
            settings.fsync_replicas,
            replica_timeout=settings.deadline / 4,
            fsync_timeout=settings.deadline / 2,
        )

    def refusal(self, settings: ValkeySettings) -> str:
        """Why the engine cannot be used; empty if it can."""
        if refusal := refusal_now("master" if self.is_primary else "slave", self.eviction):
            return refusal
        if self.version < (OLDEST_VALKEY if self.is_valkey else OLDEST_REDIS):
            return f"{self.title} is too old: Valkey 7.2 or Redis 7.2 is needed"
        if self.is_cluster and not settings.cluster:
            return "the engine is a node of a Cluster: name several of its hosts, or add cluster=1"
        if settings.cluster and not self.is_cluster:
            return "the engine is not a Cluster"
        return ""


LOOK: Mapping[str, EngineCommand] = {"INFO": (b"INFO", b"memory", b"replication"), "DBSIZE": (b"DBSIZE",)}
"""What asks for the memory, the role and the number of keys."""


def parse_info(text: bytes) -> dict[str, str]:
    """The fields in the reply to `INFO`."""
    return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


OTHER_ENGINES = {"mvcc_depth": "KeyDB", "dragonfly_version": "Dragonfly", "kvrocks_version": "Kvrocks"}
"""Fields by which engines are known that are neither Valkey nor Redis, and have no `WAITAOF`."""

NEEDED = ("redis_version", "role", "aof_enabled", "maxmemory_policy", "maxmemory", "connected_slaves")
"""The fields of `INFO` that the store needs."""


async def examine(connection: Connection) -> Engine:
    """Ask the engine for its facts.

    Raises:
        ConnectionLost: The engine does not report one of them, or is no Valkey and no Redis.
    """
    text, config = await connection.call([(b"INFO",), (b"CONFIG", b"GET", b"appendfsync")])
    if not isinstance(text, bytes):
        raise ConnectionLost("INFO is refused")
    info = parse_info(text)
    if info.get("loading", "0") != "0":
        raise ConnectionLost("LOADING: the engine is reading its data from the disk")
    for name, engine in OTHER_ENGINES.items():
        if name in info:
            raise ConnectionLost(
                f"the engine is {engine}, which cannot wait for its disk: use Valkey or Redis from 7.2 on"
            )
    missing = [name for name in NEEDED if name not in info]
    if missing:
        raise ConnectionLost(f"INFO does not tell {missing[0]}")
    appendfsync = config[1].decode() if isinstance(config, list) and config else ""
    return _engine(info, appendfsync)


def _engine(info: Mapping[str, str], appendfsync: str) -> Engine:
    valkey_version = info.get("valkey_version")
    version = valkey_version or info["redis_version"]
    return Engine(
        is_valkey=valkey_version is not None,
        version=tuple(int(part) for part in version.split(".") if part.isdigit()),
        is_primary=info["role"] == "master",
        has_append_only_file=info["aof_enabled"] == "1",
        appendfsync=appendfsync,
        eviction=info["maxmemory_policy"],
        max_memory=int(info["maxmemory"]),
        replicas=int(info["connected_slaves"]),
        is_cluster=info.get("cluster_enabled", "0") == "1",
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the operator.

    Attributes:
        kept: Whether the setting keeps the promise.
        text: The setting, and its meaning.
    """

    kept: bool
    text: str


def findings(engine: Engine, settings: ValkeySettings, *, has_ifeq: bool) -> list[Finding]:
    """Which promises the engine's settings keep or break, in one line each."""
    return [
        Finding(kept=True, text=_version(engine, has_ifeq=has_ifeq)),
        _crash(engine),
        _failover(engine, settings),
        _full(engine),
    ]


class Findings:
    """Logs each finding once, although an engine is examined each time it is connected."""

    def __init__(self) -> None:
        self._told: set[Finding] = set()

    def tell(self, engine: Engine, settings: ValkeySettings, *, has_ifeq: bool) -> None:
        for finding in findings(engine, settings, has_ifeq=has_ifeq):
            if finding not in self._told:
                self._told.add(finding)
                logger.log(logging.INFO if finding.kept else logging.WARNING, "%s", finding.text)


def _version(engine: Engine, *, has_ifeq: bool) -> str:
    how = "SET IFEQ" if has_ifeq else "a script, since this engine has no SET IFEQ"
    return f"{engine.title}: at most one reader, by {how}"


def _crash(engine: Engine) -> Finding:
    if not engine.has_append_only_file:
        return Finding(
            kept=False, text="no append-only file: a restart of the engine loses messages, or brings back read ones"
        )
    if engine.appendfsync in ("no", "everysec"):
        text = f"appendfsync is {engine.appendfsync}: each write waits for the disk, a second or longer; set always"
        return Finding(kept=True, text=text)
    said = engine.appendfsync or "not told"
    return Finding(kept=True, text=f"append-only file, appendfsync {said}: what is acknowledged survives a crash")


def _failover(engine: Engine, settings: ValkeySettings) -> Finding:
    if settings.replicas:
        text = f"each write waits for {settings.replicas} of {engine.replicas} replicas: a failover brings nothing back"
        if engine.replicas > settings.replicas:
            return Finding(
                kept=False,
                text=f"{text}, unless one of the others is promoted: give those replica-priority 0, or wait for all",
            )
        return Finding(kept=True, text=text)
    if engine.replicas:
        return Finding(
            kept=False,
            text=f"{engine.replicas} replicas, and no write waits for them: a failover may bring back what was read; "
            f"set replicas={engine.replicas}",
        )
    return Finding(kept=True, text="no replicas: there is no failover")


def _full(engine: Engine) -> Finding:
    if not engine.max_memory:
        return Finding(kept=False, text="maxmemory is not set: the system may kill the engine when memory is full")
    return Finding(
        kept=True, text=f"maxmemory {engine.max_memory:,} bytes, noeviction: a full engine refuses new messages"
    )
