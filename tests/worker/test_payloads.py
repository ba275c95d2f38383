"""Payloads in the real KV: a message that is read or destroyed leaves nothing there."""

import time
from collections.abc import Callable

import httpx
import pytest

from tests.support.platforms import Platform

DEADLINE = 20.0  # seconds; only ever used up by payloads that stay


def payload_keys(worker: Platform) -> set[str]:
    return {entry["name"] for entry in httpx.get(f"{worker.control}/kv/MESSAGES").json()}


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether the condition becomes true. Payloads are deleted after the response."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_payloads_of_read_and_destroyed_messages_leave_kv(worker: Platform, method: str) -> None:
    before = payload_keys(worker)
    with worker.client() as client:
        ids = [client.post("/", json={"message": "secret"}).json()["id"] for _ in range(10)]
        created = payload_keys(worker) - before
        assert len(created) == 10
        assert {client.request(method, "/" + message_id).is_success for message_id in ids} == {True}
    assert wait_for(lambda: not payload_keys(worker) & created)


def test_an_acknowledged_message_leaves_kv(worker: Platform) -> None:
    before = payload_keys(worker)
    with worker.client() as client:
        path = "/" + client.post("/", json={"message": "secret"}).json()["id"]
        [key] = payload_keys(worker) - before
        lease = {"Idempotency-Key": "a-readers-key"}
        assert client.get(path, headers=lease).json() == {"message": "secret"}
        assert key in payload_keys(worker)  # for the minute in which the reader may fetch it again
        assert client.delete(path, headers=lease).status_code == 204
    assert wait_for(lambda: key not in payload_keys(worker))
