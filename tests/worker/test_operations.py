"""What each request costs in operations that Cloudflare bills: measured, and compared with the tables of the docs."""

import json
import re
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from crypt_worker.shards import SHARDS, shard_name
from tests.support import platforms
from tests.support.platforms import ROOT, Platform
from tests.support.sealed import Asked, Sealed, encode

PAGE = (ROOT / "docs/cloudflare.md").read_text()
COLUMNS = ("kv read", "kv write", "kv delete", "object call", "row read", "row written")
DEADLINE = 10.0  # seconds; only ever used up by what costs something else
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

    def since(self, before: Counter[str], expected: Counter[str]) -> Counter[str]:
        """What was counted after `before`, once that is what is expected: some operations follow the response."""
        end = time.monotonic() + DEADLINE
        while (counted := self.total() - before) != expected and time.monotonic() < end:
            time.sleep(0.02)
        return counted


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
        for message in one_in_each_shard():  # makes the tables, and sets the alarms
            assert client.put(message.path, json=message.body | {"ttl": 60}).status_code == 201
        meter = Meter(worker)
        client.get("/-/health")
        worker.process.wait_for(r'("route": "/-/health")')  # so all that was before it is told
        time.sleep(0.5)
        before = meter.total()
        costs = documented(configuration)
        assert len(costs) == 18

        def ask(name: str, method: str, path: str, status: int, **more: Any) -> httpx.Response:
            nonlocal before
            response = client.request(method, path, **more)
            assert response.status_code == status, response.text
            assert meter.since(before, costs[name]) == costs[name], name
            before = before + costs[name]  # what is counted beyond that fails with the next request
            return response

        def create() -> str:
            return "/" + str(ask("create", "POST", "/", 200, json={"message": "secret"}).json()["id"])

        ask("read", "GET", create(), 200)
        ask("read nothing", "GET", "/zzzzz", 404)
        path = create()
        ask("read with an idempotency key", "GET", path, 200, headers=LEASE)
        ask("read again with the key", "GET", path, 200, headers=LEASE)
        ask("acknowledge", "DELETE", path, 204, headers=LEASE)
        ask("destroy", "DELETE", create(), 204)
        sealed = Sealed()
        ask("create sealed", "PUT", sealed.path, 201, json=sealed.body)
        ask("create sealed, repeated", "PUT", sealed.path, 200, json=sealed.body)
        ask("receipt", "GET", sealed.path + "/status", 200, headers=sealed.headers)
        ask("read sealed with a key", "GET", sealed.path, 200, headers=sealed.headers | LEASE)
        ask("acknowledge sealed", "DELETE", sealed.path, 204, headers=sealed.headers | LEASE)
        asked = Asked()
        ask("ask", "PUT", asked.path, 201, json=asked.body)
        ask("question", "GET", asked.path + "/question", 200, headers=asked.answer_headers)
        for name, status in (("answer", 201), ("answer that comes too late", 409)):
            headers = asked.answer_headers
            ask(name, "PUT", asked.path + "/answer", status, json={"message": name}, headers=headers)
        ask("page, help, health, preflight", "GET", "/-/health", 200)
        ask("readiness", "GET", "/-/ready", 200)
        time.sleep(0.2)
        assert meter.total() == before


def test_the_global_limiter_costs_one_call_and_no_row(durable_worker: Platform) -> None:
    meter = Meter(durable_worker)
    before = meter.total()
    with durable_worker.client() as client:
        for _ in range(5):
            client.get("/zzzz")  # no id: the limiter alone is asked
    assert meter.since(before, Counter({"object call": 5})) == {"object call": 5}
