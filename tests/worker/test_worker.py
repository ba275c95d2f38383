"""What is the Worker's alone: what KV really keeps, what lags, what is uploaded."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crypt_core.errors import StorageUnavailable
from crypt_core.messages import LEASE_SECONDS, Create, Created, Granted, Missing, Read, Repeated
from crypt_core.record import AccessHashes
from crypt_worker.alarm import SWEEP_INTERVAL
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.kv_store import KvStore
from crypt_worker.shard import SHARDS, shard_name
from tests.support import platforms
from tests.support.cloudflare import KvNamespace, ShardNamespace
from tests.support.platforms import NODE, ROOT, Platform
from tests.support.stores import Clock

DAY = 86_400  # seconds


def keys(worker: Platform) -> dict[str, float]:
    """What KV keeps, and until when."""
    listed = httpx.get(f"{worker.control}/kv/MESSAGES").json()
    return {key["name"]: key["expiration"] for key in listed}


@pytest.mark.parametrize("ttl", [60, 3_600, None])
def test_kv_itself_lets_every_message_expire(worker: Platform, ttl: int | None) -> None:
    before = keys(worker)
    with worker.client() as client:
        created = client.post("/", json={"message": "secret"} | ({"ttl": ttl} if ttl else {}))
        now = int(subprocess.check_output(["date", "+%s"]))  # noqa: S607 - the runtime's clock is the machine's
    [(key, expiration)] = (keys(worker).items() - before.items()) or [("", 0)]
    assert now + (ttl or DAY) - 5 <= expiration <= now + (ttl or DAY) + 1
    assert created.json()["id"] not in key


def test_a_read_message_leaves_kv(worker: Platform) -> None:
    before = set(keys(worker))
    with worker.client() as client:
        message_id = client.post("/", json={"message": "secret"}).json()["id"]
        assert len(set(keys(worker)) - before) == 1
        assert client.get("/" + message_id).status_code == 200
    for _ in range(100):  # it is deleted after the answer
        if set(keys(worker)) == before:
            break
    assert set(keys(worker)) == before


def test_a_payload_that_has_not_arrived_yet_is_not_lost(worker: Platform) -> None:
    """A replica that lags shows no value; here the value is really gone, which looks the same to the Worker."""
    before = set(keys(worker))
    with worker.client() as client:
        message_id = client.post("/", json={"message": "secret"}).json()["id"]
        [key] = set(keys(worker)) - before
        httpx.delete(f"{worker.control}/kv/MESSAGES/{key}")
        for _ in range(2):
            answer = client.get("/" + message_id)
            assert (answer.status_code, answer.content) == (503, b'{"error": "Storage unavailable"}')
            assert "retry-after" in answer.headers


def test_what_is_stored_survives_kill_9(tmp_path: Path) -> None:
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        read = client.post("/", json={"message": "read"}).json()["id"]
        unread = client.post("/", json={"message": "unread"}).json()["id"]
        assert client.get("/" + read).status_code == 200
        worker.process.kill()
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        assert client.get("/" + read).status_code == 404
        assert client.get("/" + unread).json() == {"message": "unread"}


@pytest.mark.parametrize("variable", ["RATE_LIMIT_PER_SECOND:many", "MAX_TTL:1", "ID_LENGTH:4"])
def test_a_variable_that_cannot_be_used_is_named_in_the_log(variable: str) -> None:
    with platforms.worker("--var", variable) as worker, worker.client() as client:
        answer = client.get("/")
        assert (answer.status_code, answer.content) == (500, b'{"error": "Internal server error"}')
        assert answer.headers["access-control-allow-origin"] == "*"
        worker.process.wait_for(f"({variable.partition(':')[0]}) must be")


class FakeCloudflare:
    """The Worker's store over a platform whose time, lag and failures are ours."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.kv = KvNamespace(self.clock)
        self.shards = ShardNamespace(self.kv, self.clock)
        self.store = KvStore(KvPayloads(self.kv), self.shards)


@pytest.fixture
def cloudflare() -> Iterator[FakeCloudflare]:
    cloudflare = FakeCloudflare()
    yield cloudflare
    cloudflare.shards.close()


async def test_a_lagging_replica_reads_nothing(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    cloudflare.kv.lagging = True
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await cloudflare.store.apply("abc12", Read())
    cloudflare.kv.lagging = False
    assert await cloudflare.store.apply("abc12", Read()) == Granted("secret")


@pytest.mark.parametrize("part", ["kv", "shards"])
async def test_while_a_part_is_down_nothing_is_lost_and_nothing_read(cloudflare: FakeCloudflare, part: str) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    setattr(getattr(cloudflare, part), "failing", True)  # noqa: B010
    for command in (Read(), Create("another", DAY)):
        with pytest.raises(StorageUnavailable) as error:
            await cloudflare.store.apply("abc12", command)
        assert "secret" not in str(error.value)
    setattr(getattr(cloudflare, part), "failing", False)  # noqa: B010
    assert await cloudflare.store.apply("abc12", Read()) == Granted("secret")


async def test_a_payload_that_lost_its_id_is_removed(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("first", DAY))
    await cloudflare.store.apply("abc12", Create("second", DAY))
    assert cloudflare.kv.values == ["first"]


async def test_the_last_of_a_message_goes_with_its_read(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY))
    await cloudflare.store.apply("abc12", Read())
    assert cloudflare.kv.values == []
    assert cloudflare.shards.count() == 0


async def test_expired_records_are_swept_by_alarm(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", 60))
    await cloudflare.store.apply("abc13", Create("secret", DAY))
    cloudflare.clock.now += 59
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 2
    cloudflare.clock.now += SWEEP_INTERVAL
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 1
    cloudflare.clock.now += DAY
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 0
    assert all(storage.alarm_at is None for storage in cloudflare.shards.storages)


async def test_what_a_nonce_held_is_removed_by_alarm(cloudflare: FakeCloudflare) -> None:
    await cloudflare.store.apply("abc12", Create("secret", DAY, AccessHashes("proof")))
    assert await cloudflare.store.apply("abc12", Read("proof", idempotency_hash="nonce")) == Granted("secret")
    cloudflare.clock.now += LEASE_SECONDS - 1
    await cloudflare.shards.ring()
    assert cloudflare.kv.values == ["secret"]
    cloudflare.clock.now += 1
    await cloudflare.shards.ring()
    assert cloudflare.kv.values == []
    assert cloudflare.shards.count() == 1  # the tombstone
    cloudflare.clock.now += DAY
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 0


async def test_a_repeated_request_leaves_no_second_payload(cloudflare: FakeCloudflare) -> None:
    for kind in (Created, Repeated):
        outcome = await cloudflare.store.apply("abc12", Create("secret", DAY, AccessHashes("proof"), 1, "request"))
        assert isinstance(outcome, kind)
    assert cloudflare.kv.values == ["secret"]


async def test_an_object_that_slept_keeps_its_alarms(cloudflare: FakeCloudflare) -> None:
    same_shard = [f"abc{n:02}" for n in range(90) if shard_name(f"abc{n:02}") == "messages-0"]
    await cloudflare.store.apply(same_shard[0], Create("a", 100))
    cloudflare.shards.hibernate()
    await cloudflare.store.apply(same_shard[1], Create("b", 200))
    cloudflare.shards.hibernate()
    cloudflare.clock.now += 100
    await cloudflare.shards.ring()
    assert cloudflare.shards.count() == 1
    assert await cloudflare.store.apply(same_shard[1], Read()) == Granted("b")


async def test_no_request_can_make_more_objects(cloudflare: FakeCloudflare) -> None:
    for number in range(1_000):
        assert await cloudflare.store.apply(f"guess{number}", Read()) == Missing()
    assert len(cloudflare.shards.names) == SHARDS
    assert cloudflare.shards.count() == 0


async def test_an_id_that_passed_on_while_it_was_read_is_read_anew(cloudflare: FakeCloudflare) -> None:
    """Between the fetch of the payload and the claim, the message expires and its id gets another."""
    await cloudflare.store.apply("abc12", Create("first", 60))
    fetch = cloudflare.kv.get

    async def slow_get(key: str) -> str | None:
        value = await fetch(key)
        if value == "first":
            cloudflare.clock.now += 60
            assert isinstance(await cloudflare.store.apply("abc12", Create("second", DAY)), Created)
        return value

    cloudflare.kv.get = slow_get  # type: ignore[method-assign]
    assert await cloudflare.store.apply("abc12", Read()) == Granted("second")


def test_the_bundle_is_the_worker_and_nothing_else(tmp_path: Path) -> None:
    """`wrangler deploy --dry-run` checks wrangler.toml and lists what would be uploaded."""
    wrangler = ROOT / "tools/workerd/node_modules/wrangler/bin/wrangler.js"
    command = [str(NODE), str(wrangler), "deploy", "--dry-run", "--outdir", str(tmp_path / "out")]
    environment = os.environ | {"WRANGLER_SEND_METRICS": "false", "CI": "true", "XDG_CONFIG_HOME": str(tmp_path)}
    environment["PATH"] = f"{NODE.parent}:{environment['PATH']}"
    result = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    uploaded = set(re.findall(r"│ (\S+) +│ python │", result.stdout))
    # The main module itself and the Workers SDK ("Vendored Modules") are not listed by name.
    ours = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert uploaded == ours - {"entry.py"}
    assert {path.partition("/")[0] for path in uploaded} == {"crypt_core", "crypt_worker"}
    [size] = re.findall(r"Total Upload: ([\d.]+) KiB", result.stdout)
    assert float(size) < 300  # 148 when this was written, 111 of them the SDK
    for binding in ("env.MESSAGES ", "env.MESSAGE_SHARDS (MessageShard)", "env.RATE_LIMIT_PER_SECOND"):
        assert binding in result.stdout


def test_each_request_is_a_structured_line_in_the_log(worker: Platform) -> None:
    with worker.client() as client:
        client.delete("/zzzz9")
    worker.process.wait_for(r'(\{"method": "DELETE", "route": "/\{id\}", "status": 404\})')
    assert "zzzz9" not in worker.process.output


def test_the_platform_keeps_no_log_of_urls() -> None:
    logs = tomllib.loads((ROOT / "wrangler.toml").read_text())["observability"]["logs"]
    assert logs["invocation_logs"] is False


def test_the_harness_itself_is_typed() -> None:
    command = [str(NODE), "node_modules/typescript/bin/tsc"]
    result = subprocess.run(command, cwd=ROOT / "tools/workerd", capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], "--port must be from 0 to 65535, not x"),
        (["--var", "NAME"], "--var must be NAME:VALUE, not NAME"),
        (["--project", "tests"], "there is no wrangler.toml in"),
        (["--colour"], "Unknown option '--colour'"),
    ],
)
def test_the_harness_names_mistakes(arguments: list[str], words: str) -> None:
    command = [str(NODE), "tools/workerd/serve.mjs", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert result.returncode == 1
    assert words in result.stderr


@pytest.mark.parametrize("folder", ["workerd", "browser"])
def test_the_lock_file_names_no_host(folder: str) -> None:
    lock = json.loads((ROOT / "tools" / folder / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
