"""Health, readiness, metrics, the description of the API, and the rate limit's headers."""

import re
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from crypt_core import __version__, errors
from crypt_core.http.openapi import openapi
from crypt_core.settings import Settings
from tests.http.test_sealed import put, put_locked
from tests.support.platforms import Platform, start_server


def test_it_says_that_it_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/-/health").json() == {"status": "ok"}
    assert client.get("/-/ready").json() == {"status": "ready"}
    assert client.head("/-/ready").status_code == 200
    assert client.post("/-/ready").status_code == 405
    assert client.get("/-/nothing").status_code == 404


def test_it_is_not_ready_without_its_store(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        url = process.wait_for(r"listening on (http\S+)")
        assert httpx.get(f"{url}/-/ready").status_code == 200
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))  # as on a full disk
        assert httpx.post(url, json={"message": "x"}).status_code == 503
        assert httpx.get(f"{url}/-/ready").status_code == 503
        assert httpx.get(f"{url}/-/health").status_code == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert httpx.get(f"{url}/-/ready").status_code == 200


def test_none_of_it_is_rate_limited(platform: Platform) -> None:
    with platform.client("198.51.100.20") as client:
        for path in ("/-/health", "/-/ready", "/-/openapi.json", "/-/main.js", "/-/page.css", "/"):
            answers = [client.get(path) for _ in range(5)]
            assert {answer.status_code for answer in answers} == {200}
            assert "ratelimit" not in answers[0].headers


def test_the_limit_is_told_with_every_counted_answer(platform: Platform) -> None:
    with platform.client("198.51.100.21") as client:
        answers = [client.get("/zzzzz") for _ in range(4)]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"default";q=3;w=1'] * 4
    assert [answer.headers["ratelimit"] for answer in answers] == [f'"default";r={r};t=1' for r in (2, 1, 0, 0)]
    assert answers[3].status_code == 429
    assert answers[3].headers["retry-after"] == "1"


def test_the_description_is_valid_and_the_same_in_both_homes(client: httpx.Client) -> None:
    document = client.get("/-/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi(Settings())


def test_the_description_names_every_error() -> None:
    examples = {
        name
        for path in openapi(Settings())["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for response in operation["responses"].values()
        for name in response.get("content", {}).get("application/json", {}).get("examples", {})
    }
    kinds = {kind.__name__ for name, kind in vars(errors).items() if name[0] != "_" and isinstance(kind, type)}
    kinds -= {"ApiError", "SettingsError", "Mapping", "ClassVar", "RouteNotFound"}  # no route: no operation
    assert kinds == examples


def test_the_description_has_the_projects_version() -> None:
    assert openapi(Settings())["info"]["version"] == __version__


def test_schemathesis_finds_nothing(unlimited_platform: Platform, tmp_path: Path) -> None:
    """It makes requests from the description, good and bad, and judges each answer by it."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{unlimited_platform.url}/-/openapi.json",
        "--checks=all",
        "--max-examples=60",
        "--seed=1",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        "--request-timeout=30",
        "--workers=1",
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
    assert result.returncode == 0, result.stdout[-8_000:]
    [cases] = re.findall(r"(\d+) generated", result.stdout) or ["0"]
    assert int(cases) > 500


def test_metrics_count_what_happened_and_name_nothing(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0")
    with start_server(*flags) as process:
        url = process.wait_for(r"listening on (http\S+)")
        with httpx.Client(base_url=url) as client:
            first, second = (client.post("/", json={"message": "secret"}).json()["id"] for _ in range(2))
            client.get("/" + first)
            client.get("/" + first)
            client.delete("/" + second)
            locked = put_locked(client)
            for _ in range(10):
                client.get(locked.path, headers=locked.with_passphrase(bytes(32)))
            sealed = put(client)
            client.get(sealed.path)
            leased = client.post("/", json={"message": "secret"}).json()["id"]
            key = {"Idempotency-Key": "key"}
            for method, status in (("DELETE", 404), ("GET", 200), ("DELETE", 204), ("DELETE", 404)):
                assert client.request(method, "/" + leased, headers=key).status_code == status
            client.request("INVENTED", "/")
            client.request("PROPFIND", "/" + first)
            text = client.get("/-/metrics").text
    counted = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    events = {
        event: counted["crypt_api_messages_total", event] for event in ("created", "read", "destroyed", "expired")
    }
    assert events == {"created": 5, "read": 2, "destroyed": 2, "expired": 0}
    assert counted["crypt_api_messages_total", "refused"] == 11
    assert counted["crypt_api_requests_total", "GET", "/{id}", "200"] == 2
    assert counted["crypt_api_requests_total", "GET", "/{id}", "404"] == 1
    assert counted["crypt_api_requests_total", "GET", "/{sealed_id}", "403"] == 10
    assert counted["crypt_api_requests_total", "other", "/{id}", "405"] == 1
    assert counted["crypt_api_request_seconds_count", "/{id}"] == 8
    assert counted["crypt_api_store_seconds_count", "Read"] == 13
    for secret in (first, second, leased, locked.id, sealed.id, "secret", "PROPFIND"):
        assert secret not in text


def test_metrics_count_what_expired(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0")
    with start_server(*flags) as process:
        url = process.wait_for(r"listening on (http\S+)")
        for _ in range(3):
            httpx.post(url, json={"message": "x"})
    with sqlite3.connect(tmp_path / "messages.db") as database:  # time passes
        database.execute("UPDATE messages SET due_at = 1, record = ?", ['{"content": "x", "expires_at": 1}'])
    database.close()
    with start_server(*flags) as process:
        url = process.wait_for(r"listening on (http\S+)")
        for _ in range(50):
            if 'crypt_api_messages_total{event="expired"} 3.0' in httpx.get(f"{url}/-/metrics").text:
                return
    pytest.fail("never counted")
