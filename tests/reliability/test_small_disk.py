"""A disk that is really full, and a cap that is reached: new messages are refused, and nothing else is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.plain import create
from tests.support.platforms import NO_TLS, Process, start_server
from tests.support.services import wait_until
from tests.support.small_disk import MountedDisk, limited_disk, small_disk


@pytest.fixture(params=[small_disk, limited_disk])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MountedDisk]:
    kind: Callable[[Path], AbstractContextManager[MountedDisk]] = request.param
    with kind(tmp_path) as disk:
        yield disk


def create_until_refused(process: Process, size: int) -> list[str]:
    ids = []
    with httpx.Client(base_url=process.url) as client:
        while (answer := client.post("/", json={"message": "x" * size})).status_code == 200:
            ids.append(answer.json()["id"])
    assert answer.status_code == 503
    assert answer.json() == {"error": "Storage unavailable"}
    return ids


def storage(process: Process) -> object:
    answer = httpx.get(f"{process.url}/-/ready")
    assert answer.status_code == 200
    return answer.json()["storage"]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what the store tells of itself."""
    wait_until(condition, "the store does not say so")


def gauge(process: Process, name: str) -> float:
    page = httpx.get(process.wait_for(r"metrics on (http\S+)") + "/-/metrics", verify=NO_TLS).text
    [value] = [
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    ]
    return value


def test_on_a_full_disk_all_but_new_messages_goes_on(disk: MountedDisk) -> None:
    with disk.start("--metrics=127.0.0.1:0") as process:
        assert gauge(process, "crypt_api_storage_refuses") == 0
        with httpx.Client(base_url=process.url) as client:
            answers = [client.post("/", json={"message": f"secret {n}"}) for n in range(160)]
        waiting = [answer.json()["id"] for answer in answers]
        disk.fill(process)
        waiting_too = create_until_refused(process, 50_000)
        wait_for(lambda: storage(process) == "full")
        assert gauge(process, "crypt_api_storage_refuses") == 1
        with httpx.Client(base_url=process.url) as client:
            for number in range(50):
                key = {"Idempotency-Key": f"key-{number}"}
                assert client.get("/" + waiting[number]).json() == {"message": f"secret {number}"}
                assert client.get("/" + waiting[number]).status_code == 404
                assert client.get("/" + waiting[50 + number], headers=key).status_code == 200
                assert client.get("/" + waiting[50 + number], headers=key).status_code == 200
                assert client.delete("/" + waiting[100 + number]).status_code == 204
                assert client.delete("/" + waiting[50 + number], headers=key).status_code == 204
        process.stop()
    with disk.start() as process:  # still full
        assert httpx.get(f"{process.url}/{waiting[150]}").json() == {"message": "secret 150"}
        with httpx.Client(base_url=process.url) as client:
            for message_id in waiting_too:
                assert client.get("/" + message_id).json() == {"message": "x" * 50_000}
        process.kill()
    with disk.start() as process:  # still full, and after a crash
        assert httpx.get(f"{process.url}/{waiting[150]}").status_code == 404
        assert httpx.get(f"{process.url}/{waiting[151]}").json() == {"message": "secret 151"}
        disk.free(process)
        wait_for(lambda: httpx.post(process.url, json={"message": "x" * 50_000}).status_code == 200)
        assert "Traceback" not in process.output


def test_a_disk_that_fills_up_while_messages_come_loses_none(disk: MountedDisk) -> None:
    """Until it is full, and from there on until all have been read: again and again, without a free byte."""
    with disk.start() as process:
        create(process.url)
        disk.fill(process)
        with httpx.Client(base_url=process.url) as client:
            for _ in range(3):
                ids = create_until_refused(process, 50_000)
                for message_id in ids:
                    assert client.get("/" + message_id).json() == {"message": "x" * 50_000}
                wait_for(lambda: client.post("/", json={"message": "x" * 50_000}).status_code == 200)
        disk.free(process)


def test_the_cap_is_told_before_it_is_reached(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0", "--metrics=127.0.0.1:0")
    with start_server(*flags, "--max-storage=32MiB") as process:
        assert storage(process) == "ok"
        assert gauge(process, "crypt_api_storage_max_bytes") == 32 << 20
        assert 0.4 < gauge(process, "crypt_api_storage_share") < 0.6
        empty = gauge(process, "crypt_api_storage_bytes")
        ids: list[str] = []
        with httpx.Client(base_url=process.url) as client:
            while client.get("/-/ready").json()["storage"] == "ok":
                ids.extend(client.post("/", json={"message": "x" * 100_000}).json()["id"] for _ in range(20))
                # What the store tells of itself is up to a second old.
                wait_for(lambda: gauge(process, "crypt_api_storage_bytes") - empty > 100_000 * len(ids))
        assert gauge(process, "crypt_api_storage_share") >= 0.8
        assert storage(process) == "low"
        ids += create_until_refused(process, 100_000)
        create_until_refused(process, 1_000)
        wait_for(lambda: storage(process) == "full")
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 32 << 20
        with httpx.Client(base_url=process.url) as client:
            assert {client.get("/" + message_id).status_code for message_id in ids} == {200}
        wait_for(lambda: storage(process) == "ok")
        create(process.url, "x" * 100_000)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ("31MiB", "--max-storage must be 0, for no cap, or at least 32MiB, not '31MiB'"),
        ("much", "--max-storage must be a size such as 500MB, 2GiB or 0, not 'much'"),
    ],
)
def test_a_cap_that_cannot_be_is_one_clear_line(tmp_path: Path, size: str, words: str) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", f"--max-storage={size}") as process:
        assert process.wait() == 1
        assert process.output == f"Error: {words}\n"
