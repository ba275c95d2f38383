"""Files never take the room, or the requests, of messages."""

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from crypt_api.client.parts import MAX_PART_BYTES, MAX_SEALED_PART_BYTES, PartKeys
from tests.support.plain import create
from tests.support.platforms import Process, start_server
from tests.support.processes import descriptors

REST = {"TTL": "60"}


def test_uploads_that_stand_still_leave_open_files_for_others(tmp_path: Path) -> None:
    """Each one has a connection and a file. The system's usual limit is not much more than the connections."""
    serve = [sys.executable, "-m", "crypt_api", "serve", "--port=0", f"--store=sqlite:///{tmp_path}/messages.db"]
    flags = ["--max-connections=300", "--rate-limit-per-second=0"]
    command = ["bash", "-c", 'ulimit -Sn 400; exec "$0" "$@"', *serve, *flags]
    with Process(command) as server, ExitStack() as connections:
        for _ in range(290):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            target = f"/{PartKeys.generate().id(0)}/part"
            head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nTTL: 60\r\nContent-Length: 150000\r\n\r\n"
            connection.sendall(head.encode() + bytes(140_000))
        with httpx.Client(base_url=server.url) as client:
            assert upload(client).status_code == 201
            assert client.get(f"/{create(server.url)}").status_code == 200
        assert descriptors(server.pid) > 580


def upload(client: httpx.Client, size: int = MAX_PART_BYTES) -> httpx.Response:
    keys = PartKeys.generate()
    return client.put(f"/{keys.id(0)}/part", content=keys.seal(0, os.urandom(size)), headers=REST)


@pytest.mark.parametrize(
    ("flag", "status", "code"),
    [
        (f"--max-file-storage={MAX_SEALED_PART_BYTES + 4_067}B", 503, None),
        (f"--upload-per-hour={MAX_SEALED_PART_BYTES}B", 429, "upload_budget"),
    ],
)
def test_where_files_have_reached_their_limit_messages_go_on(
    tmp_path: Path, flag: str, status: int, code: str | None
) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0", flag)
    with start_server(*flags) as server, httpx.Client(base_url=server.url) as client:
        waiting = create(server.url)
        assert upload(client).status_code == 201
        refused = upload(client)
        assert (refused.status_code, refused.json().get("code")) == (status, code)
        assert int(refused.headers["retry-after"]) > 0
        assert client.get(f"/{waiting}").status_code == 200
        assert client.get(f"/{create(server.url)}").status_code == 200
        ready = client.get("/-/ready").json()
        assert ready["storage"] == "ok"
        assert ready["files"] == ("full" if status == 503 else "ok")
