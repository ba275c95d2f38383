"""Files never take the room, or the requests, of messages."""

import os
from pathlib import Path

import httpx
import pytest

from crypt_api.client.parts import MAX_PART_BYTES, MAX_SEALED_PART_BYTES, PartKeys
from tests.support.plain import create
from tests.support.platforms import start_server

REST = {"TTL": "60"}


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
