"""Asking for a secret: a question, one answer, and one reader of the answer."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.errors import error_body
from tests.support.platforms import Connection
from tests.support.sealed import Asked, put_answer, put_question, receipt

NOT_FOUND = (404, b'{"error": "Message not found"}')
ALREADY_ANSWERED = (409, error_body("The question is already answered"))
NOT_ANSWERED = (409, error_body("The question is not answered yet"))


def question(client: httpx.Client, asked: Asked) -> httpx.Response:
    return client.get(asked.path + "/question", headers=asked.answer_headers)


def told(response: httpx.Response) -> tuple[int, bytes]:
    return response.status_code, response.content


def test_a_question_is_answered_once_and_its_answer_is_read_once(client: httpx.Client) -> None:
    asked = put_question(client)
    again = client.put(asked.path, json=asked.body | {"message": "question", "ttl": 3_600})
    assert again.status_code == 200
    for _ in range(2):
        got = question(client, asked).json()
        assert got == {"message": "question", "ttl": 3_600, "expires_at": again.json()["expires_at"]}
    assert told(client.get(asked.path, headers=asked.headers)) == NOT_ANSWERED
    assert receipt(client, asked)["state"] == "asked"

    first = put_answer(client, asked)
    assert (first.status_code, [*first.json()]) == (201, ["expires_at"])
    left = datetime.fromisoformat(first.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=3_590) < left < timedelta(seconds=3_602)
    assert told(put_answer(client, asked)) == (200, first.content)
    assert told(put_answer(client, asked, "another")) == told(question(client, asked)) == ALREADY_ANSWERED
    assert client.put(asked.path, json=asked.body | {"message": "question", "ttl": 3_600}).status_code == 409
    assert receipt(client, asked)["state"] == "unread"

    lease = {"Idempotency-Key": "a"}
    for _ in range(2):
        assert client.get(asked.path, headers=asked.headers | lease).json() == {"message": "answer"}
    assert told(client.get(asked.path, headers=asked.headers)) == NOT_FOUND
    assert client.delete(asked.path, headers=asked.headers | lease).status_code == 204
    # The writer of the answer, whose response was lost, learns that it came.
    assert told(put_answer(client, asked)) == (200, first.content)
    assert told(put_answer(client, asked, "another")) == told(question(client, asked)) == ALREADY_ANSWERED
    for headers in (asked.headers, asked.answer_headers):
        assert client.get(asked.path + "/status", headers=headers).json()["state"] == "read"


def test_each_side_has_a_proof_of_its_own(client: httpx.Client) -> None:
    asked = put_question(client)
    requests = [("GET", "/question", None), ("PUT", "/answer", {"message": "answer"})]
    for method, suffix, body in requests:
        for path, status in ((asked.path, 401), (Asked().path, 401), ("/abc12", 404)):
            assert client.request(method, path + suffix, json=body).status_code == status
        for headers in (asked.headers, Asked().answer_headers):
            assert told(client.request(method, asked.path + suffix, json=body, headers=headers)) == NOT_FOUND
        assert told(client.request(method, Asked().path + suffix, json=body, headers=asked.headers)) == NOT_FOUND
    for method in ("GET", "DELETE"):
        assert told(client.request(method, asked.path, headers=asked.answer_headers)) == NOT_FOUND
    assert question(client, asked).status_code == 200


@pytest.mark.parametrize("is_answered", [False, True])
def test_what_its_asker_destroys_has_no_answer(client: httpx.Client, *, is_answered: bool) -> None:
    asked = put_question(client)
    if is_answered:
        put_answer(client, asked)
    assert client.delete(asked.path, headers=asked.headers).status_code == 204
    for response in (question(client, asked), put_answer(client, asked), client.get(asked.path, headers=asked.headers)):
        assert told(response) == NOT_FOUND
    for headers in (asked.headers, asked.answer_headers):
        assert client.get(asked.path + "/status", headers=headers).json()["state"] == "destroyed"


def test_an_answer_is_checked_as_a_message_is(client: httpx.Client) -> None:
    asked = put_question(client)
    refused = [
        ({}, 400, "Field 'message' is required and cannot be empty"),
        ({"message": "x", "ttl": 60}, 400, "Unknown field 'ttl'"),
        ({"message": "x" * 142_063}, 413, "Message exceeds maximum size of 100KB"),
    ]
    for body, status, text in refused:
        response = client.put(asked.path + "/answer", json=body, headers=asked.answer_headers)
        assert told(response) == (status, error_body(text))
    assert put_answer(client, asked, "x" * 142_062).status_code == 201
    assert client.get(asked.path, headers=asked.headers).json() == {"message": "x" * 142_062}


async def test_of_16_answers_one_is_taken_and_the_others_are_told(
    connections: list[Connection], client: httpx.Client
) -> None:
    for _ in range(3):
        asked = put_question(client)
        sends = [
            connection.ask("PUT", asked.path + "/answer", {"message": f"answer {number}"}, asked.answer_headers)
            for number, connection in enumerate(connections[:16])
        ]
        statuses = [status for status, _ in await asyncio.gather(*sends)]
        assert sorted(statuses) == [201] + [409] * 15
        _, read = await connections[0].ask("GET", asked.path, headers=asked.headers)
        assert read == {"message": f"answer {statuses.index(201)}"}
