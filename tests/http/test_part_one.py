"""The frozen part of the API: every request of its table gets the response of its table, on both platforms."""

import re

import httpx

from tests.support.part_one import COUNTED, ROWS, VOLATILE, Row
from tests.support.platforms import Platform
from tests.support.rate import within_a_second


def response_to(client: httpx.Client, row: Row, message_id: str) -> tuple[int, bytes, dict[str, str]]:
    path = row.path.replace("ID", message_id)
    answer = client.request(row.method, path, content=row.content, headers={"User-Agent": "", **row.sent})
    headers = {name: value for name, value in answer.headers.items() if name not in VOLATILE}
    return answer.status_code, re.sub(rb'^\{"id": "[a-z0-9]{5}"\}$', b'{"id": "ID"}', answer.content), headers


def test_part_one_is_as_it_always_was(client: httpx.Client) -> None:
    wrong = []
    for row in ROWS:
        message_id = client.post("/", json={"message": "secret"}).json()["id"] if "ID" in row.path else ""
        response = response_to(client, row, message_id)
        if response != (row.status, row.body, row.headers):
            wrong.append((row.method, row.path, row.sent, row.content[:50], response))
    assert not wrong


def test_the_fourth_request_of_a_second_is_refused(platform: Platform) -> None:
    with platform.client("198.51.100.77") as client:
        *_, last = within_a_second(lambda: [client.get("/zzzzzz") for _ in range(4)])
    headers = {name: value for name, value in last.headers.items() if name not in VOLATILE}
    assert (last.status_code, last.content) == (429, b'{"error": "Rate limit exceeded"}')
    assert headers == COUNTED | {"ratelimit": '"default";r=0;t=1', "retry-after": "1"}
