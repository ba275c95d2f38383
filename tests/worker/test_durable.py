"""The store `durable` with the global limiter in the real runtime: races, leases, receipts, crashes.

With `--long`, all black-box tests run on it, too.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support import platforms
from tests.support.platforms import Platform
from tests.support.sealed import Sealed


async def test_of_32_readers_at_once_one_gets_it(durable_worker: Platform) -> None:
    connections = [await durable_worker.connect() for _ in range(32)]
    for number in range(20):
        _, created = await connections[0].ask("POST", "/", {"message": f"secret {number}"})
        answers = await asyncio.gather(*(each.ask("GET", "/" + created["id"]) for each in connections))
        assert sorted(status for status, _ in answers) == [200] + [404] * 31
        assert (200, {"message": f"secret {number}"}) in answers
    for each in connections:
        each.close()


def test_a_large_message_comes_back_as_it_was(durable_worker: Platform) -> None:
    message = "\x01žluťoučký 🐎" * 5_000
    with durable_worker.client() as client:
        path = "/" + client.post("/", json={"message": message}).json()["id"]
        assert client.get(path).json() == {"message": message}
        assert client.get(path).status_code == 404


def test_the_life_of_a_sealed_message(durable_worker: Platform) -> None:
    sealed = Sealed()
    lease = sealed.headers | {"Idempotency-Key": "a-readers-key"}
    with durable_worker.client() as client:
        assert [client.put(sealed.path, json=sealed.body).status_code for _ in range(2)] == [201, 200]
        assert client.get(sealed.path, headers=Sealed().headers).status_code == 404
        for _ in range(2):
            assert client.get(sealed.path, headers=lease).json() == {"message": sealed.body["message"]}
        assert client.get(sealed.path, headers=sealed.headers).status_code == 404
        assert client.delete(sealed.path, headers=lease).status_code == 204
        assert client.get(sealed.path, headers=lease).status_code == 404
        assert client.get(sealed.path + "/status", headers=sealed.headers).json()["state"] == "read"


def test_the_fourth_request_of_a_second_is_refused(durable_worker: Platform) -> None:
    with durable_worker.client("198.51.100.1") as client, durable_worker.client("198.51.100.2") as other:
        answers = [client.get("/zzzzz") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert answers[2].headers["ratelimit"].startswith('"default";r=0;t=')
        assert other.get("/zzzzz").status_code == 404


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
