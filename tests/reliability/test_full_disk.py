"""A disk without room: no message is lost, none is read, and the service recovers."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.full_disk import full_disk
from tests.support.plain import create
from tests.support.platforms import Process, start_server


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0") as process:
        yield process


def test_a_new_message_that_finds_no_room_is_refused_and_costs_no_other(process: Process) -> None:
    message_id = create(process.url)
    with full_disk(process, room=100_000):
        refused = httpx.post(process.url, json={"message": "x" * 102_400})
        assert (refused.status_code, refused.content) == (503, b'{"error": "Storage unavailable"}')
        assert int(refused.headers["retry-after"]) > 0
    assert httpx.get(f"{process.url}/{message_id}").json() == {"message": "secret"}
    large = create(process.url, "x" * 102_400)
    assert httpx.get(f"{process.url}/{large}").json() == {"message": "x" * 102_400}
    assert "xxxx" not in process.output


def test_a_read_that_finds_no_room_keeps_the_message(process: Process) -> None:
    message_id = create(process.url)
    with full_disk(process):
        for _ in range(3):
            assert httpx.get(f"{process.url}/{message_id}").status_code == 503
            assert httpx.post(process.url, json={"message": "x"}).status_code == 503
    assert httpx.get(f"{process.url}/{message_id}").json() == {"message": "secret"}


def test_without_its_store_the_service_is_alive_and_not_ready(process: Process) -> None:
    assert httpx.get(f"{process.url}/-/ready").status_code == 200
    with full_disk(process):
        assert httpx.post(process.url, json={"message": "x"}).status_code == 503
        assert httpx.get(f"{process.url}/-/ready").status_code == 503
        assert httpx.get(f"{process.url}/-/health").status_code == 200
    assert httpx.get(f"{process.url}/-/ready").status_code == 200
