"""Where the primary of a key is: at a fixed address, where the Sentinels say, or where the Cluster says."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from redis.exceptions import ResponseError

from crypt_api.server.stores.valkey.cluster import Cluster
from crypt_api.server.stores.valkey.connection import Address, ConnectionLost, connect, refusal
from crypt_api.server.stores.valkey.engine import EngineClock, Findings
from crypt_api.server.stores.valkey.primary import Primary
from crypt_api.server.stores.valkey.url import ValkeySettings


class Topology(Protocol):
    """The primaries, and which of them has a key.

    Attributes:
        trouble: Why it is not known where the primaries are; empty if it is.
    """

    trouble: str

    async def primary(self, key: bytes) -> Primary:
        """The primary of the key."""
        ...

    def redirected(self, error: ResponseError) -> Primary | None:
        """Learn from an error that another primary has the key. Returns that primary if it is for this command only."""
        ...

    def lease_ends_for(self, key: bytes) -> bytes:
        """The key of a sorted set in which the end of a lease of `key` may be kept; on the same primary if possible."""
        ...

    @property
    def all_lease_ends(self) -> Sequence[bytes]:
        """The keys of all such sorted sets."""
        ...

    @property
    def primaries(self) -> Sequence[Primary]:
        """All known primaries."""
        ...

    def close(self) -> None: ...


def open_topology(settings: ValkeySettings, clock: EngineClock, findings: Findings) -> Topology:
    """Start connecting, on the running event loop."""
    if settings.cluster:
        return Cluster(settings, clock, findings)
    return OnePrimary(settings, clock, findings)


class OnePrimary:
    """One engine has all keys: at a fixed address, or where the Sentinels say."""

    trouble = ""

    def __init__(self, settings: ValkeySettings, clock: EngineClock, findings: Findings) -> None:
        prefix = settings.prefix.encode()
        self._lease_ends = prefix + b"!lease-ends"
        self._primary = Primary(locator(settings), settings, clock, findings, prefix + b"!fence")

    async def primary(self, _: bytes) -> Primary:
        return self._primary

    def redirected(self, _: ResponseError) -> Primary | None:
        return None

    def lease_ends_for(self, _: bytes) -> bytes:
        return self._lease_ends

    @property
    def all_lease_ends(self) -> Sequence[bytes]:
        return [self._lease_ends]

    @property
    def primaries(self) -> Sequence[Primary]:
        return [self._primary]

    def close(self) -> None:
        self._primary.close()


def locator(settings: ValkeySettings) -> Callable[[], Awaitable[Address]]:
    """Give the function that finds the one primary."""
    if settings.sentinel:
        return lambda: ask_sentinels(settings)
    address: Address = settings.path or settings.hosts[0]

    async def fixed() -> Address:
        return address

    return fixed


async def ask_sentinels(settings: ValkeySettings) -> Address:
    """The primary's address by the first Sentinel that answers. `Primary` checks that this engine is a primary.

    Raises:
        ConnectionLost: No Sentinel answers, or none knows the name.
    """
    reason = ""
    for host in settings.hosts:
        try:
            connection = await connect(host, settings, password=settings.sentinel_password, db=0)
            try:
                [reply] = await connection.call([(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", settings.sentinel.encode())])
            finally:
                connection.close()
        except ConnectionLost as error:
            reason = str(error)
            continue
        match reply:
            case [bytes(name), bytes(port)]:
                return name.decode(), int(port)
            case ResponseError():
                reason = refusal("SENTINEL", reply)
            case _:
                reason = f"no Sentinel knows the name {settings.sentinel}"
    raise ConnectionLost(reason)
