"""Metrics: what happened is counted, and no message is named. They have an address of their own."""

import sqlite3
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.platforms import LONG_IDS, Process, start_server
from tests.support.sealed import put, put_answer, put_locked, put_question
from tests.support.services import wait_until


def metrics_url(process: Process) -> str:
    return process.wait_for(r"metrics on (http\S+)") + "/-/metrics"


def test_metrics_count_what_happened_and_name_nothing(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0", "--metrics=127.0.0.1:0")
    with start_server(*flags, LONG_IDS) as process, httpx.Client(base_url=process.url) as client:
        first, second = (client.post("/", json={"message": "secret"}).json()["id"] for _ in range(2))
        client.get("/" + first)
        client.get("/" + first)
        client.delete("/" + second)
        locked = put_locked(client)
        for _ in range(10):
            client.get(locked.path, headers=locked.with_passphrase(bytes(32)))
        asked = put_question(client)
        put_answer(client, asked)
        sealed = put(client)
        client.get(sealed.path)
        leased = client.post("/", json={"message": "secret"}).json()["id"]
        key = {"Idempotency-Key": "key"}
        for method, status in (("DELETE", 404), ("GET", 200), ("DELETE", 204), ("DELETE", 404)):
            assert client.request(method, "/" + leased, headers=key).status_code == status
        client.request("INVENTED", "/")
        client.request("PROPFIND", "/" + first)
        text = httpx.get(metrics_url(process)).text
    counted = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    events = {
        event: counted["crypt_api_messages_total", event]
        for event in ("created", "answered", "read", "destroyed", "expired")
    }
    assert events == {"created": 6, "answered": 1, "read": 2, "destroyed": 2, "expired": 0}
    assert counted["crypt_api_messages_total", "refused"] == 11
    assert counted["crypt_api_requests_total", "GET", "/{id}", "200"] == 2
    assert counted["crypt_api_requests_total", "GET", "/{id}", "404"] == 1
    assert counted["crypt_api_requests_total", "GET", "/{sealed_id}", "403"] == 10
    assert counted["crypt_api_requests_total", "other", "/{id}", "405"] == 1
    assert counted["crypt_api_request_seconds_count", "/{id}"] == 8
    assert counted["crypt_api_store_seconds_count", "Read"] == 13
    for secret in (first, second, leased, locked.id, asked.id, sealed.id, "secret", "PROPFIND"):
        assert secret not in text


def test_metrics_count_what_expired(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0", "--metrics=127.0.0.1:0")
    with start_server(*flags) as process:
        for _ in range(3):
            httpx.post(process.url, json={"message": "x"})
    with sqlite3.connect(tmp_path / "messages.db") as database:  # time passes
        database.execute("UPDATE messages SET due_at = 1, record = ?", ['{"expires_at": 1}'])
    database.close()
    with start_server(*flags) as process:
        expected = 'crypt_api_messages_total{event="expired"} 3.0'
        wait_until(lambda: expected in httpx.get(metrics_url(process)).text, "never counted")


def test_metrics_are_served_on_their_own_address_only() -> None:
    with start_server("--store=memory:", "--metrics=127.0.0.1:0") as process:
        metrics = metrics_url(process)
        assert httpx.get(f"{process.url}/-/metrics").status_code == 404
        assert httpx.get(metrics.replace("/-/metrics", "/")).status_code == 404
        assert httpx.post(metrics).status_code == 405
        assert httpx.head(metrics).status_code == 200
