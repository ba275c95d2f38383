"""Every way to an engine: TCP, TLS, a Unix socket, Sentinel, Cluster."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.crc import key_slot

from crypt_api.server.stores import open_store
from crypt_api.server.stores.reporting import NoObserver
from crypt_api.server.stores.valkey import lease_sweep
from crypt_api.server.stores.valkey.connection import Address, ConnectionLost
from crypt_api.server.stores.valkey.engine import EngineClock, Findings
from crypt_api.server.stores.valkey.primary import Primary
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Create, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import Created, Granted, Missing, Receipt
from crypt_core.record import AccessHashes
from crypt_core.store import StorageUnavailable
from tests.support.services import wait_until
from tests.support.stores import Clock
from tests.support.valkey import Engine, new_prefix, recovered, shared_engine, until
from tests.support.valkey_topologies import ClusterOfThree, Sentinel

DAY = 86_400  # seconds
rounds = pytest.mark.parametrize("rounds", [1, pytest.param(200, marks=pytest.mark.long)])
PLAIN = Create("plain", DAY)
SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")


async def assert_works(store: ValkeyStore) -> None:
    assert isinstance(await store.apply("abc12", PLAIN), Created)
    assert await store.apply("abc12", Read()) == Granted("plain")
    assert await store.apply("abc12", Read()) == Missing()


async def test_a_unix_socket(tmp_path: Path) -> None:
    with Engine(tmp_path, "--unixsocket", tmp_path / "socket"):
        store = ValkeyStore(parse_url(f"unix://{tmp_path}/socket?db=2"))
        await assert_works(store)
        store.close()


async def test_a_database_of_its_own() -> None:
    store = ValkeyStore(parse_url(f"{shared_engine().url.removesuffix('/0')}/3?prefix={(prefix := new_prefix())}"))
    await assert_works(store)
    assert not shared_engine().client.keys(f"{prefix}*")
    store.close()


async def test_a_user_with_a_password(tmp_path: Path) -> None:
    with Engine(tmp_path) as engine, engine.client as client:
        client.execute_command("ACL", "SETUSER", "us@er", "on", ">p:w/", "~*", "+@all")
        client.execute_command("ACL", "SETUSER", "default", "off")
        store = ValkeyStore(parse_url(f"valkey://us%40er:p%3Aw%2F@127.0.0.1:{engine.port}/0"))
        await assert_works(store)
        store.close()


def certificate(folder: Path) -> Path:
    """A key, and a certificate of 127.0.0.1 that nobody has signed but itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + signed.public_bytes(pem))
    return file


@asynccontextmanager
async def tls_before(engine: Engine, file: Path) -> AsyncIterator[int]:
    """A TLS server that passes everything on to the engine (whose binary has no TLS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
        writer.transport.abort()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", engine.port)
        await asyncio.wait(map(asyncio.ensure_future, (pump(reader, far_writer), pump(far_reader, writer))))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.sleep(0.05)


async def test_tls_with_a_certificate_that_is_trusted_and_not_without(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    async with tls_before(shared_engine(), file) as port:
        url = f"valkeys://127.0.0.1:{port}/0?prefix={new_prefix()}"
        stranger = ValkeyStore(parse_url(url))
        with pytest.raises(StorageUnavailable, match="certificate"):
            await stranger.apply("abc12", PLAIN)
        stranger.close()
        store = ValkeyStore(parse_url(f"{url}&ca={file}"))
        await assert_works(store)
        store.close()


class Load:
    """Users who create and read, and what they were told."""

    def __init__(self, store: ValkeyStore, name: str) -> None:
        self._store = store
        self._name = name
        self.is_over = False
        self.unread: set[str] = set()
        self.read: set[str] = set()

    async def run(self, user: int) -> None:
        number = 0
        while not self.is_over:
            number += 1
            message_id = f"{self._name}{user}x{number}"
            try:
                if not isinstance(await self._store.apply(message_id, PLAIN), Created):
                    continue
                self.unread.add(message_id)
                if number % 2:
                    outcome = await self._store.apply(message_id, Read())
                    assert outcome == Granted("plain"), outcome
                    self.unread.remove(message_id)
                    self.read.add(message_id)
            except StorageUnavailable:
                await asyncio.sleep(0.05)

    async def assert_true(self) -> None:
        """Whatever was acknowledged is there, and whatever was read is not."""
        expected = dict.fromkeys(self.read, repr(Missing())) | dict.fromkeys(self.unread, repr(Granted("plain")))
        outcomes = await asyncio.gather(*(recovered(self._store, message_id, Read()) for message_id in expected))
        assert dict(zip(expected, map(repr, outcomes), strict=True)) == expected


async def under_load(store: ValkeyStore, trouble: "asyncio.Future[None]", name: str) -> Load:
    load = Load(store, name)
    users = [asyncio.ensure_future(load.run(user)) for user in range(8)]
    await trouble
    before = len(load.read)
    await until(lambda: len(load.read) > before + 20, "nobody reads any more")
    load.is_over = True
    await asyncio.gather(*users)
    await load.assert_true()
    return load


@rounds
async def test_sentinel_promotes_a_replica_under_load(tmp_path: Path, rounds: int) -> None:
    with (
        Engine(tmp_path / "a") as primary,
        Engine(tmp_path / "b", "--replicaof", f"127.0.0.1 {primary.port}") as replica,
        Sentinel(tmp_path / "s", primary, "messages") as sentinel,
    ):
        store = ValkeyStore(parse_url(f"valkey://127.0.0.1:1,127.0.0.1:{sentinel.port}/0?sentinel=messages&replicas=1"))
        await assert_works(store)
        old, new = primary, replica
        for number in range(rounds):
            trouble = asyncio.ensure_future(asyncio.to_thread(restart_after_failover, old, new))
            await under_load(store, trouble, f"load{number}")
            old, new = new, old
        store.close()


def restart_after_failover(old: Engine, new: Engine) -> None:
    """Kill the primary; when the Sentinel has promoted the other engine, start it again as a replica of that one."""
    old.kill()
    wait_until(lambda: is_primary(new), "the replica is not promoted")
    old.start()
    with old.client as client:
        client.execute_command("REPLICAOF", "127.0.0.1", new.port)


def is_primary(engine: Engine) -> bool:
    with engine.client as client:
        return bool(client.info("replication")["role"] == "master")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterOfThree]:
    with ClusterOfThree(tmp_path) as cluster:
        yield cluster


@pytest.fixture
async def store(cluster: ClusterOfThree) -> AsyncIterator[ValkeyStore]:
    store = ValkeyStore(parse_url(cluster.url))
    yield store
    store.close()


async def test_a_cluster_keeps_each_message_on_the_node_of_its_slot(
    cluster: ClusterOfThree, store: ValkeyStore
) -> None:
    open_store(cluster.url, observer=NoObserver()).close()
    for number in range(30):
        assert isinstance(await store.apply(f"abc{number}", PLAIN), Created)
    counts = [cluster.ask(primary, "DBSIZE") for primary in cluster.primaries]
    assert all(count >= 3 for count in counts), counts
    for number in range(30):
        outcomes = await asyncio.gather(*(store.apply(f"abc{number}", Read()) for _ in range(8)))
        assert outcomes.count(Granted("plain")) == 1
        assert outcomes.count(Missing()) == 7


async def test_a_lease_in_a_cluster_ends(cluster: ClusterOfThree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_sweep, "INTERVAL", 0.05)
    clock = Clock()
    store = ValkeyStore(parse_url(cluster.url), clock=clock)
    for number in range(12):
        await store.apply(f"sealed{number}", SEALED)
        assert await store.apply(f"sealed{number}", Read("proof", None, "key")) == Granted("sealed")
    clock.now += LEASE_SECONDS

    def contents() -> int:
        return sum(b'"sealed"' in value for primary in cluster.primaries for value in strings(primary))

    await until(lambda: contents() == 0, "contents stay after their leases")
    receipt = await store.apply("sealed1", GetReceipt("proof"))
    assert isinstance(receipt, Receipt)
    assert receipt.state == "read"
    store.close()


def strings(engine: Engine) -> list[bytes]:
    with engine.client as client:
        return [client.get(key) or b"" for key in client.keys("crypt:sealed*")]


async def test_a_slot_that_moves_is_followed(cluster: ClusterOfThree, store: ValkeyStore) -> None:
    """`ASK` while the slot moves, `MOVED` after it; the message and its reader are as if nothing moved."""
    source, target = cluster.primaries[:2]
    message_ids = [name for name in (f"abc{n}" for n in range(2_000)) if key_slot(f"crypt:{name}".encode()) == 4]
    message_ids += [name for name in (f"xyz{n}" for n in range(60_000)) if key_slot(f"crypt:{name}".encode()) == 4]
    first, second, third = message_ids[:3]
    for message_id in (first, second, third):
        await store.apply(message_id, PLAIN)
    ids = {engine: cluster.ask(engine, "CLUSTER", "MYID").decode() for engine in (source, target)}
    cluster.ask(target, "CLUSTER", "SETSLOT", 4, "IMPORTING", ids[source])
    cluster.ask(source, "CLUSTER", "SETSLOT", 4, "MIGRATING", ids[target])
    keys = [f"crypt:{message_id}" for message_id in (first, second)]
    cluster.ask(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
    assert await store.apply(first, Read()) == Granted("plain")
    assert await store.apply(first, Read()) == Missing()
    assert await store.apply(third, Read()) == Granted("plain")
    cluster.ask(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", f"crypt:{third}")
    for engine in (target, source, cluster.primaries[2]):
        cluster.ask(engine, "CLUSTER", "SETSLOT", 4, "NODE", ids[target])
    assert await store.apply(second, Read()) == Granted("plain")
    assert await store.apply(second, Read()) == Missing()
    assert await store.apply(third, Read()) == Missing()


@rounds
async def test_a_node_of_a_cluster_is_killed_under_load(
    cluster: ClusterOfThree, store: ValkeyStore, rounds: int
) -> None:
    def fail_over(victim: int) -> None:
        old, new = cluster.primaries[victim], cluster.replicas[victim]
        old.kill()
        wait_until(lambda: is_primary(new), "the replica is not promoted")
        old.start()
        cluster.primaries[victim], cluster.replicas[victim] = new, old
        wait_until(cluster.is_well, "the Cluster does not come back")

    for number in range(rounds):
        trouble = asyncio.ensure_future(asyncio.to_thread(fail_over, number % 3))
        await under_load(store, trouble, f"load{number}")


async def test_who_waits_for_a_node_that_leaves_the_cluster_is_told() -> None:
    async def locate() -> Address:
        raise ConnectionLost("it is gone")

    primary = Primary(locate, parse_url("valkey://node"), EngineClock(), Findings(), b"")
    await primary.news()  # now it pauses before the next attempt
    news = asyncio.ensure_future(primary.news())
    await asyncio.sleep(0)
    primary.close()
    await asyncio.wait_for(news, 10)
