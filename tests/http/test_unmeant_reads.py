"""Reads that no person meant: robots, prefetches, embeds and downloads in parts get 403, and read nothing."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support import user_agents
from tests.support.browser_headers import BROWSER_ACCEPT
from tests.support.errors import error_body
from tests.support.plain import create_path
from tests.support.platforms import Platform
from tests.support.sealed import put

REFUSED = [
    ({"Sec-Purpose": "prefetch"}, "Prefetching is refused"),
    ({"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Mode": "navigate"}, "Prefetching is refused"),
    ({"Purpose": "prefetch"}, "Prefetching is refused"),
    ({"X-Moz": "prefetch"}, "Prefetching is refused"),
    ({"X-Purpose": "preview"}, "Prefetching is refused"),
    ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, "Embedding is refused"),
    ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}, "Embedding is refused"),
    ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "script"}, "Embedding is refused"),
    ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, "Embedding is refused"),
    ({"Accept": "image/webp,image/*,*/*;q=0.8"}, "Embedding is refused"),
    ({"Accept": "text/event-stream"}, "Embedding is refused"),
    ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}, "Embedding is refused"),
    ({"Range": "bytes=0-"}, "Range requests are refused: a message is read as a whole"),
    ({"User-Agent": "Slackbot 1.0"}, "Link previews are refused"),
]


ROBOT_HINT = "A program that a person wrote can read: send the header Idempotency-Key with a random value."


def refusal(text: str) -> bytes:
    return error_body(text, **({"hint": ROBOT_HINT} if text == "Link previews are refused" else {}))


@pytest.fixture(scope="module")
def path(platform: Platform) -> Iterator[str]:
    """A message that all robots of this module try to read, and that is still there after them."""
    with platform.client() as client:
        path = create_path(client)
        yield path
        assert client.get(path).json() == {"message": "secret"}


@pytest.mark.parametrize("agent", user_agents.ROBOTS)
def test_a_robot_reads_nothing(client: httpx.Client, path: str, agent: str) -> None:
    for accept in ("*/*", BROWSER_ACCEPT):
        response = client.get(path, headers={"User-Agent": agent, "Accept": accept})
        assert (response.status_code, response.content) == (403, refusal("Link previews are refused"))
    assert client.post(path + "/reveal", headers={"User-Agent": agent}).status_code == 403


@pytest.mark.parametrize(("headers", "text"), REFUSED)
def test_what_no_person_meant_reads_nothing(
    client: httpx.Client, path: str, headers: dict[str, str], text: str
) -> None:
    for response in (client.get(path, headers=headers), client.post(path + "/reveal", headers=headers)):
        assert (response.status_code, response.content) == (403, refusal(text))


@pytest.mark.parametrize(("headers", "text"), REFUSED)
def test_neither_does_it_read_a_sealed_message(client: httpx.Client, headers: dict[str, str], text: str) -> None:
    sealed = put(client)
    response = client.get(sealed.path, headers=sealed.headers | headers)
    assert (response.status_code, response.content) == (403, refusal(text))
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "envelope"}


def test_a_program_that_is_taken_for_a_robot_reads_with_an_idempotency_key(client: httpx.Client) -> None:
    headers = {"User-Agent": "somebody's chatbot", "Idempotency-Key": "random"}
    answer = client.get(create_path(client), headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"message": "secret"})


def test_programs_and_the_scripts_of_browsers_read(client: httpx.Client) -> None:
    for agent in user_agents.READERS:
        response = client.get(create_path(client), headers={"User-Agent": agent, "Accept": "*/*"})
        assert (response.status_code, response.json()) == (200, {"message": "secret"}), agent
