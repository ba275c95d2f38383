"""After `kill -9`, every acknowledged message is still there, and no message that was read comes back."""

from pathlib import Path

import httpx

from tests.support import platforms
from tests.support.plain import create
from tests.support.platforms import start_server


def test_the_servers_messages_survive_kill_9(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0")
    unread: dict[str, str] = {}
    read: list[str] = []
    for round_number in range(3):
        with start_server(*flags) as process:
            url = process.url
            for number in range(20):
                message = f"{round_number}-{number}"
                unread[create(url, message)] = message
            for message_id in list(unread)[:5]:
                assert httpx.get(f"{url}/{message_id}").json() == {"message": unread.pop(message_id)}
                read.append(message_id)
            process.kill()
    with start_server(*flags) as process:
        url = process.url
        assert {httpx.get(f"{url}/{message_id}").status_code for message_id in read} == {404}
        for message_id, message in unread.items():
            assert httpx.get(f"{url}/{message_id}").json() == {"message": message}


def test_the_workers_messages_survive_kill_9(tmp_path: Path) -> None:
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        read = client.post("/", json={"message": "read"}).json()["id"]
        unread = client.post("/", json={"message": "unread"}).json()["id"]
        assert client.get("/" + read).status_code == 200
        worker.process.kill()
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        assert client.get("/" + read).status_code == 404
        assert client.get("/" + unread).json() == {"message": "unread"}
