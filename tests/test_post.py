"""`POST /`: what is accepted, and what is refused with which words."""

import re
import socket

import httpx
import pytest

from tests.support.bodies import BODY_HINTS, PLAIN, REFUSED_PLAIN
from tests.support.errors import error_body
from tests.support.platforms import Platform


@pytest.mark.parametrize("case", PLAIN)
def test_a_message_comes_back_as_it_was_sent(client: httpx.Client, case: str) -> None:
    body, message = PLAIN[case]
    created = client.post("/", content=body)
    assert created.status_code == 200, created.text
    assert list(created.json()) == ["id"]
    assert re.fullmatch("[a-z0-9]{5}", created.json()["id"])
    read = client.get("/" + created.json()["id"])
    assert (read.status_code, read.json()) == (200, {"message": message})


@pytest.mark.parametrize("case", REFUSED_PLAIN)
def test_anything_else_is_refused_in_its_own_words(client: httpx.Client, case: str) -> None:
    body, (status, error) = REFUSED_PLAIN[case]
    answer = client.post("/", content=body)
    hint = {"hint": BODY_HINTS[case]} if case in BODY_HINTS else {}
    assert (answer.status_code, answer.content) == (status, error_body(error, **hint))


def test_a_service_that_refused_everything_still_serves(client: httpx.Client) -> None:
    for body, _ in REFUSED_PLAIN.values():
        client.post("/", content=body)
    assert client.post("/", json={"message": "x"}).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
def test_the_content_type_does_not_matter(client: httpx.Client, content_type: str) -> None:
    answer = client.post("/", content=b'{"message": "x"}', headers={"Content-Type": content_type})
    assert answer.status_code == 200


def test_ids_differ(client: httpx.Client) -> None:
    assert len({client.post("/", json={"message": "x"}).json()["id"] for _ in range(50)}) == 50


def test_a_large_body_without_a_length_is_refused_while_it_arrives(client: httpx.Client) -> None:
    answer = client.post("/", content=(b"x" * 50_000 for _ in range(100)))
    assert (answer.status_code, answer.json()) == (413, {"error": "Message exceeds maximum size of 100KB"})


def test_a_declared_length_is_refused_before_the_body(platform: Platform) -> None:
    with socket.create_connection(("127.0.0.1", platform.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{")
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_after_a_refused_body_the_connection_serves_on(platform: Platform) -> None:
    with platform.client() as client:
        for _ in range(20):
            assert client.post("/", content=b"x" * 1_000_000).status_code == 413
            assert client.post("/", json={"message": "x"}).status_code == 200
