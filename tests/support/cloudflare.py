"""What the Worker uses of Cloudflare, for tests in this process: as strict as the platform is, and as late.

Tests of the tiers `http` and `worker` run on the real runtime. Here time can be passed in, and replicas lag on demand.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypt_core.events import OnEvent, ignore
from crypt_worker.javascript import JavaScript
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.payload_encryption import PayloadEncryption
from crypt_worker.shard import Shard

MIN_EXPIRATION_TTL = 60  # seconds
MAX_KEY_BYTES = 512


class PlatformError(Exception):
    """What the runtime raises where it has a `JsException`."""


class Buffer(bytes):
    """A JavaScript `ArrayBuffer`."""

    def to_bytes(self) -> bytes:
        return bytes(self)


class SubtleCrypto:
    """WebCrypto, as far as it is used."""

    async def importKey(self, form: str, key: Buffer, kind: str, *settings: Any) -> Any:  # noqa: N802
        extractable, usages = settings
        assert (form, kind, extractable) == ("raw", "AES-GCM", False)
        return AESGCM(key), usages

    async def encrypt(self, parameters: Any, key: Any, data: Buffer) -> Buffer:
        assert (parameters.name, key[1]) == ("AES-GCM", ["encrypt"])
        return Buffer(key[0].encrypt(parameters.iv, data, None))

    async def decrypt(self, parameters: Any, key: Any, data: Buffer) -> Buffer:
        assert (parameters.name, key[1]) == ("AES-GCM", ["decrypt"])
        return Buffer(key[0].decrypt(parameters.iv, data, None))


def parse(text: str) -> Any:
    """`JSON.parse`, for an object."""
    return SimpleNamespace(**json.loads(text))


def to_js(value: Any) -> Any:
    """What is left of a value in JavaScript."""
    assert isinstance(value, bytes | list)
    return Buffer(value) if isinstance(value, bytes) else value


def payloads(namespace: "KvNamespace") -> KvPayloads:
    return KvPayloads(
        namespace, PayloadEncryption(JavaScript(to_js, dict, json.dumps, parse, SimpleNamespace, print, SubtleCrypto()))
    )


class KvNamespace:
    """KV with its expiry. Unknown options raise here; the platform would silently ignore them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Buffer, float]] = {}
        self.lagging = False
        self.failing = False

    async def put(self, key: str, value: Buffer, *, expirationTtl: int) -> None:  # noqa: N803 - the platform's name
        self._check(key)
        if type(expirationTtl) is not int or expirationTtl < MIN_EXPIRATION_TTL:
            raise PlatformError(f"KV PUT failed: 400 Invalid expiration_ttl of {expirationTtl}")
        if not isinstance(value, Buffer):
            raise TypeError("KV takes no such value")
        self._entries[key] = (value, self._clock() + expirationTtl)

    async def get(self, key: str, kind: str) -> Buffer | None:
        assert kind == "arrayBuffer"
        self._check(key)
        value, expires_at = self._entries.get(key, (Buffer(), 0.0))
        return value if not self.lagging and expires_at > self._clock() else None

    async def delete(self, key: str) -> None:
        self._check(key)
        self._entries.pop(key, None)

    def _check(self, key: str) -> None:
        if self.failing:
            raise PlatformError("KV failed: 503 Service Unavailable")
        if not 0 < len(key.encode()) <= MAX_KEY_BYTES:
            raise PlatformError("KV failed: 414 UTF-8 encoded length exceeds key length limit")

    def change(self, change: Callable[[Buffer], Buffer]) -> None:
        """Change all values, as a fault of the platform would."""
        self._entries = {key: (change(value), expires_at) for key, (value, expires_at) in self._entries.items()}

    @property
    def values(self) -> list[bytes]:
        return [value for value, expires_at in self._entries.values() if expires_at > self._clock()]


class Rows(list[list[Any]]):
    """A cursor, and the array of its rows."""

    def toArray(self) -> "Rows":  # noqa: N802 - the platform's name
        return self

    def to_py(self) -> list[list[Any]]:
        return [list(row) for row in self]


@dataclass
class Storage:
    """A Durable Object's storage: its SQLite, and one alarm."""

    alarm_at: float | None = None  # Unix time in seconds
    refuses_alarms: bool = False
    alarms_set: int = 0
    statements: Counter[str] = field(default_factory=Counter)
    _database: sqlite3.Connection = field(
        default_factory=lambda: sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    )

    @property
    def sql(self) -> Any:
        return SimpleNamespace(exec=self._exec)

    def _exec(self, sql: str, *values: object) -> Any:
        self.statements[sql] += 1
        assert all(value is None or isinstance(value, int | float | str | bytes) for value in values)
        if not values:
            *others, sql = sql.split(";")  # the platform runs several statements, and returns the last one's rows
            for other in others:
                self._database.execute(other)
        rows = self._database.execute(sql, values).fetchall()
        return SimpleNamespace(raw=lambda: Rows(rows))

    async def getAlarm(self) -> int | None:  # noqa: N802
        return None if self.alarm_at is None else int(self.alarm_at * 1_000)

    async def setAlarm(self, milliseconds: int) -> None:  # noqa: N802 - the platform's name
        if self.refuses_alarms:
            raise PlatformError("Network connection lost.")
        self.alarm_at = milliseconds / 1_000
        self.alarms_set += 1

    def close(self) -> None:
        self._database.close()


def as_rpc(value: Any) -> Any:
    """What is left of a value that crosses to an object: plain types, and whole floats become integers."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return int(value) if value.is_integer() else value
        case dict():
            return {key: as_rpc(item) for key, item in value.items()}
        case list():
            return [as_rpc(item) for item in value]
    raise TypeError(f"{type(value).__name__} does not cross")


class ShardNamespace:
    """The Durable Object binding: an object for each name, made when it is first called."""

    def __init__(self, namespace: KvNamespace | None, clock: Callable[[], float], on_event: OnEvent = ignore) -> None:
        """`namespace` has the payloads; without one, the records have the messages themselves."""
        self._on_event = on_event
        self._namespace = namespace
        self._clock = clock
        self._shards: dict[str, tuple[Shard, Storage]] = {}
        self._background: list[Awaitable[None]] = []
        self.failing = False

    def getByName(self, name: str) -> Any:  # noqa: N802 - the platform's name
        if name not in self._shards:
            self._wake(name, Storage())
        return SimpleNamespace(apply=lambda *arguments: self._apply(name, *arguments))

    def _wake(self, name: str, storage: Storage) -> None:
        shard = Shard(
            storage,
            payloads(self._namespace) if self._namespace else None,
            self._background.append,
            clock=self._clock,
            on_event=self._on_event,
        )
        self._shards[name] = (shard, storage)

    async def _apply(self, name: str, *arguments: Any) -> Any:
        if self.failing:
            raise PlatformError("Network connection lost.")
        answer = as_rpc(await self._shards[name][0].apply(*map(as_rpc, arguments)))
        await self._work()
        return answer

    async def _work(self) -> None:
        """What `waitUntil` was given."""
        while self._background:
            await self._background.pop()

    def hibernate(self) -> None:
        """Forget every object's memory; what it stored stays."""
        for name, (_, storage) in list(self._shards.items()):
            self._wake(name, storage)

    async def ring(self) -> None:
        """Run the alarms that are due."""
        for shard, storage in self._shards.values():
            if storage.alarm_at is not None and storage.alarm_at <= self._clock():
                storage.alarm_at = None
                await shard.sweep()
        await self._work()

    @property
    def names(self) -> set[str]:
        return set(self._shards)

    @property
    def storages(self) -> list[Storage]:
        return [storage for _, storage in self._shards.values()]

    def count(self) -> int:
        """Records in all of them."""
        return sum(storage.sql.exec("SELECT count(*) FROM messages").raw()[0][0] for storage in self.storages)

    def close(self) -> None:
        for storage in self.storages:
            storage.close()
