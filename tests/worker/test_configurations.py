"""The other store, and the other scope of the limiter, in the real runtime: races, leases, receipts, limits.

All black-box tests run on `kv` with `isolate`, and with `--long` on `durable` with `global`, too. With `--long`, the
tests here run on the other two configurations, too.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crypt_worker.shard_misses import share
from crypt_worker.shards import shard_name
from tests.support import platforms
from tests.support.platforms import Platform
from tests.support.rate import within_a_second
from tests.support.sealed import Sealed

MISSES = 4


CONFIGURATIONS = [
    ("durable", "global"),
    pytest.param(("kv", "global"), marks=pytest.mark.long),
    pytest.param(("durable", "isolate"), marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=CONFIGURATIONS, ids="-".join)
def configured_worker(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A store with a scope, and few misses for each client."""
    store, scope = request.param
    variables = (f"STORE:{store}", f"RATE_LIMIT_SCOPE:{scope}", f"MISSES_PER_HOUR:{MISSES}")
    with platforms.worker(*(part for variable in variables for part in ("--var", variable))) as worker:
        yield worker


async def test_of_32_readers_at_once_one_gets_it(configured_worker: Platform) -> None:
    connections = [await configured_worker.connect() for _ in range(32)]
    for number in range(10):
        _, created = await connections[0].ask("POST", "/", {"message": f"secret {number}"})
        answers = await asyncio.gather(*(each.ask("GET", "/" + created["id"]) for each in connections))
        assert sorted(status for status, _ in answers) == [200] + [404] * 31
        assert (200, {"message": f"secret {number}"}) in answers
    for each in connections:
        each.close()


def test_a_large_message_comes_back_as_it_was(configured_worker: Platform) -> None:
    message = "\x01žluťoučký 🐎" * 5_000
    with configured_worker.client() as client:
        path = "/" + client.post("/", json={"message": message}).json()["id"]
        assert client.get(path).json() == {"message": message}
        assert client.get(path).status_code == 404


def test_the_life_of_a_sealed_message(configured_worker: Platform) -> None:
    sealed = Sealed()
    lease = sealed.headers | {"Idempotency-Key": "a-readers-key"}
    with configured_worker.client() as client:
        assert [client.put(sealed.path, json=sealed.body).status_code for _ in range(2)] == [201, 200]
        assert client.get(sealed.path, headers=Sealed().headers).status_code == 404
        for _ in range(2):
            assert client.get(sealed.path, headers=lease).json() == {"message": sealed.body["message"]}
        assert client.get(sealed.path, headers=sealed.headers).status_code == 404
        assert client.delete(sealed.path, headers=lease).status_code == 204
        assert client.get(sealed.path, headers=lease).status_code == 404
        assert client.get(sealed.path + "/status", headers=sealed.headers).json()["state"] == "read"


def test_the_fourth_request_of_a_second_is_refused(configured_worker: Platform) -> None:
    with configured_worker.client("198.51.100.1") as client, configured_worker.client("198.51.100.2") as other:
        answers = within_a_second(lambda: [client.get("/zzzz") for _ in range(4)])
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert answers[2].headers["ratelimit"].startswith('"default";r=0;t=')
        assert other.get("/zzzz").status_code == 404


def test_a_shard_refuses_a_guess_before_the_isolate_does(configured_worker: Platform) -> None:
    assert (shard_name("zzzz0"), shard_name("zzzz1"), share(MISSES)) == ("messages-5", shard_name("zzzzz"), 1)
    with configured_worker.client() as sender:
        new_ids = (sender.post("/", json={"message": "secret"}).json()["id"] for _ in range(200))
        message_id = next(new_id for new_id in new_ids if shard_name(new_id) == shard_name("zzzzz"))
    with configured_worker.client("198.51.100.3") as guesser, configured_worker.client() as reader:
        assert guesser.get("/zzzzz").status_code == 404
        refused = guesser.get("/" + message_id)
        assert (refused.status_code, refused.content) == (429, b'{"error": "Rate limit exceeded"}')
        assert refused.headers["retry-after"] == "3600"
        assert guesser.get("/zzzz0").status_code == 404
        assert reader.get("/" + message_id).json() == {"message": "secret"}


@pytest.mark.long
def test_after_a_crash_the_tables_have_what_waits_and_nothing_that_was_read(tmp_path: Path) -> None:
    with platforms.worker("--persist", str(tmp_path), "--var", "STORE:durable") as worker, worker.client() as client:
        ids = [client.post("/", json={"message": f"secret {n}"}).json()["id"] for n in range(20)]
        for message_id in ids[:10]:
            assert client.get("/" + message_id).status_code == 200
        worker.process.kill()
    stored: dict[str, str] = {}
    for path in tmp_path.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchall():
                stored |= dict(database.execute("SELECT id, record FROM messages").fetchall())
    contents = {message_id: json.loads(record)["content"] for message_id, record in stored.items()}
    assert contents == {ids[n]: f"secret {n}" for n in range(10, 20)}
