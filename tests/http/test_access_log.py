"""The server's access log: one line a request, and no id in it."""

import re
from pathlib import Path

import httpx
import pytest

from crypt_api.client.parts import PartKeys
from crypt_core.encoding import encode_base64url
from tests.support.plain import create
from tests.support.platforms import LONG_IDS, start_server


@pytest.mark.parametrize("flag", ["--no-access-log", "--access-log"])
def test_the_access_log_never_names_an_id(tmp_path: Path, flag: str) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", LONG_IDS, flag) as process:
        message_id = create(process.url)
        httpx.get(f"{process.url}/{message_id}")
        httpx.get(f"{process.url}/{message_id}/x")
        httpx.request(message_id, process.url)
        process.stop()
    assert message_id not in process.output.lower()
    logged = re.findall(r"(\S+ \S+ \d{3}) [\d.]+ ms", process.output)
    assert logged == (["POST / 200", "GET /{id} 200", "GET - 404", "other / 405"] if flag == "--access-log" else [])


def test_the_access_log_never_names_a_part(tmp_path: Path) -> None:
    keys = PartKeys.generate()
    path = f"/{keys.id(0)}/part"
    proof = encode_base64url(keys.proof(0))
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--access-log") as process:
        httpx.put(process.url + path, content=keys.seal(0, b"x"), headers={"TTL": "60"})
        httpx.get(process.url + path, headers={"Authorization": f"Bearer {proof}"})
        process.stop()
    assert keys.id(0) not in process.output
    assert proof not in process.output
    assert re.findall(r"(\S+ \S+ \d{3}) [\d.]+ ms", process.output) == ["PUT /{id}/part 201", "GET /{id}/part 200"]
