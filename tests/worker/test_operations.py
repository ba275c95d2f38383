"""What each request costs in operations that Cloudflare bills: measured, and compared with the tables of the docs."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from crypt_worker.shards import SHARDS, shard_name
from tests.support import platforms
from tests.support.platforms import ROOT, Platform
from tests.support.sealed import Sealed, encode

PAGE = (ROOT / "docs/cloudflare.md").read_text()
COLUMNS = ("kv read", "kv write", "kv delete", "object call", "row read", "row written")
LEASE = {"Idempotency-Key": "a-readers-key"}


def documented(configuration: str) -> dict[str, Counter[str]]:
    """The table under the heading of a configuration."""
    section = PAGE.partition(f"\n### {configuration}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| ([a-z].+?) \| (\d.+) \|$", section, re.MULTILINE)
    return {name: +Counter(dict(zip(COLUMNS, map(int, numbers.split(" | ")), strict=True))) for name, numbers in rows}


class Meter:
    """Counts the operations of a running Worker."""

    def __init__(self, worker: Platform) -> None:
        self._process = worker.process

    def total(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for line in self._process.lines.copy():
            if line.startswith('{"operation":'):
                operation = json.loads(line)
                total[operation["operation"]] += operation["count"]
        return total

    def settled(self) -> Counter[str]:
        """The total, once no more operations are logged: some follow the response."""
        total = self.total()
        while True:
            time.sleep(0.3)
            if total == (total := self.total()):
                return total


def one_in_each_shard() -> list[Sealed]:
    """Sealed messages."""
    messages = {
        shard_name(sealed_id): Sealed(sealed_id) for n in range(500) if (sealed_id := encode(n.to_bytes(16, "big")))
    }
    assert len(messages) == SHARDS
    return [*messages.values()]


@pytest.mark.parametrize(
    ("configuration", "flags"),
    [
        ("The store kv", ["STORE:kv"]),
        ("The store durable", ["STORE:durable"]),
    ],
)
def test_each_request_costs_what_the_docs_say(configuration: str, flags: list[str]) -> None:
    variables = [part for flag in flags for part in ("--var", flag)]
    with platforms.worker("--count-operations", *variables) as worker, worker.client() as client:
        meter = Meter(worker)
        measured = {}

        def measure(name: str, request: Callable[[], httpx.Response], status: int) -> httpx.Response:
            before = meter.settled()
            response = request()
            assert response.status_code == status, response.text
            measured[name] = meter.settled() - before
            return response

        for message in one_in_each_shard():  # makes the tables, and sets the alarms
            assert client.put(message.path, json=message.body | {"ttl": 60}).status_code == 201

        def create() -> str:
            return "/" + str(client.post("/", json={"message": "secret"}).json()["id"])

        path = measure("create", lambda: client.post("/", json={"message": "x"}), 200).json()["id"]
        measure("read", lambda: client.get("/" + path), 200)
        measure("read nothing", lambda: client.get("/zzzzz"), 404)
        path = create()
        measure("read with an idempotency key", lambda: client.get(path, headers=LEASE), 200)
        measure("read again with the key", lambda: client.get(path, headers=LEASE), 200)
        measure("acknowledge", lambda: client.delete(path, headers=LEASE), 204)
        path = create()
        measure("destroy", lambda: client.delete(path), 204)
        sealed = Sealed()

        def put() -> httpx.Response:
            return client.put(sealed.path, json=sealed.body)

        measure("create sealed", put, 201)
        measure("create sealed, repeated", put, 200)
        measure("receipt", lambda: client.get(sealed.path + "/status", headers=sealed.headers), 200)
        measure("read sealed with a key", lambda: client.get(sealed.path, headers=sealed.headers | LEASE), 200)
        measure("acknowledge sealed", lambda: client.delete(sealed.path, headers=sealed.headers | LEASE), 204)
        measure("page, help, health, preflight", lambda: client.get("/-/health"), 200)
        measure("readiness", lambda: client.get("/-/ready"), 200)
    print(
        *(f"| {name} | {' | '.join(str(row[column]) for column in COLUMNS)} |" for name, row in measured.items()),
        sep="\n",
    )
    assert measured == documented(configuration)
    assert set().union(*measured.values()) <= set(COLUMNS)


def test_the_global_limiter_costs_one_call_and_no_row() -> None:
    with platforms.worker("--count-operations", "--var", "RATE_LIMIT_SCOPE:global") as worker:
        meter = Meter(worker)
        with worker.client("192.0.2.1") as client:
            for _ in range(40):
                client.get("/zzzz")  # no id: the limiter alone is asked
        calls = meter.settled()
    assert set(calls) == {"object call"}
