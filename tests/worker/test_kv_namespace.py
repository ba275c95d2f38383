"""What Cloudflare KV really keeps of a message, and for how long."""

import subprocess

import httpx
import pytest

from tests.support.platforms import Platform

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
