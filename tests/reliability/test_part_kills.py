"""A server that is killed while parts of files come in: what it acknowledged is there, and nothing else."""

import os
import random
import threading
from pathlib import Path

import httpx
import pytest

from crypt_api.client.parts import PartKeys
from crypt_core.encoding import encode_base64url
from tests.support.platforms import start_server

SENDERS = 4


class Sender(threading.Thread):
    """Uploads one part after the other until the server is gone."""

    def __init__(self, url: str, address: str, answers: threading.Semaphore) -> None:
        super().__init__()
        self._url = url
        self._address = address
        self._answers = answers
        self.acknowledged: dict[int, bytes] = {}
        self.keys = PartKeys.generate()

    def run(self) -> None:
        headers = {"TTL": "3600", "X-Forwarded-For": self._address}
        with httpx.Client(base_url=self._url, headers=headers, timeout=60) as client:
            for number in range(10_000):
                part = self.keys.seal(number, os.urandom(random.randrange(600_000)))
                try:
                    response = client.put(f"/{self.keys.id(number)}/part", content=part)
                except httpx.TransportError:
                    return
                assert response.status_code == 201
                self.acknowledged[number] = part
                self._answers.release()


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.long)])
def test_acknowledged_parts_survive_and_no_temporary_file_does(tmp_path: Path, kills: int) -> None:
    flags = (
        f"--store=sqlite:///{tmp_path}/messages.db",
        "--rate-limit-per-second=0",
        "--trusted-proxies=127.0.0.1",
        "--upload-per-hour=0",
        "--max-file-storage=0.9GiB",
    )
    chosen = random.Random(1)
    for _ in range(kills):
        with start_server(*flags) as server:
            answers = threading.Semaphore(0)
            senders = [Sender(server.url, f"10.0.0.{number}", answers) for number in range(SENDERS)]
            for sender in senders:
                sender.start()
            for _ in range(chosen.randrange(1, 20)):
                answers.acquire()
            server.kill()
            for sender in senders:
                sender.join()
        with start_server(*flags) as server, httpx.Client(base_url=server.url) as client:
            for sender in senders:
                for number, part in sender.acknowledged.items():
                    path = f"/{sender.keys.id(number)}/part"
                    authorization = {"Authorization": f"Bearer {encode_base64url(sender.keys.proof(number))}"}
                    assert client.get(path, headers=authorization).content == part
                    assert client.delete(path, headers=authorization).status_code == 204
            assert list((tmp_path / "messages.db-files").glob("upload-*")) == []
