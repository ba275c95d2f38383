"""After `kill -9`, every acknowledged message is still there, and no message that was read comes back.

The server is killed in the middle of requests, in `test_histories.py`.
"""

from pathlib import Path

from tests.support import platforms
from tests.support.sealed import put_answer, put_question


def test_the_workers_messages_survive_kill_9(tmp_path: Path) -> None:
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        read = client.post("/", json={"message": "read"}).json()["id"]
        unread = client.post("/", json={"message": "unread"}).json()["id"]
        assert client.get("/" + read).status_code == 200
        asked = put_question(client)
        assert put_answer(client, asked).status_code == 201
        worker.process.kill()
    with platforms.worker("--persist", str(tmp_path)) as worker, worker.client() as client:
        assert client.get("/" + read).status_code == 404
        assert client.get("/" + unread).json() == {"message": "unread"}
        assert put_answer(client, asked).status_code == 200  # as from somebody whose response was lost
        for _ in range(2):
            got = client.get(asked.path, headers=asked.headers | {"Idempotency-Key": "key"})
            assert got.json() == {"message": "answer"}
