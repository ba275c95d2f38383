"""What must never happen, and what is answered when it does."""

import json
import logging
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.stores.memory import MemoryStore
from crypt_core import ids
from crypt_core.commands import Command
from crypt_core.http.app import App
from crypt_core.http.handlers import MAX_ID_ATTEMPTS
from crypt_core.http.types import Request
from crypt_core.outcomes import Outcome
from crypt_core.settings import Settings


async def body(data: bytes = b"") -> AsyncIterator[bytes]:
    yield data


def post(message: str) -> Request:
    return Request("http", "POST", "/", {}, "192.0.2.1", body(json.dumps({"message": message}).encode()))


async def test_a_bug_is_told_to_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenStore:
        async def apply(self, message_id: str, command: Command) -> Outcome:
            raise KeyError(f"{message_id} {command}")

    with caplog.at_level(logging.DEBUG):
        response = await App(Settings()).handle(post("unmistakable"), BrokenStore())
    assert (response.status, response.body) == (500, b'{"error": "Internal server error"}')
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "KeyError" in caplog.text
    assert "raise KeyError" in caplog.text  # where it happened
    assert "unmistakable" not in caplog.text


@pytest.mark.parametrize(
    ("agent", "end"), [("curl/8.9.1", b"\n"), ("Wget/1.24", b"\n"), ("python-httpx/0.28", b""), ("", b"")]
)
async def test_in_a_terminal_json_ends_with_a_line(agent: str, end: bytes) -> None:
    app = App(Settings(), new_id=lambda _: "abc12")
    request = post("secret")
    created = await app.handle(request._replace(headers={"user-agent": agent}), MemoryStore())
    assert created.body == b'{"id": "abc12"}' + end
    missed = Request("http", "GET", "/zzzzz", {"user-agent": agent}, "192.0.2.1", body())
    assert (await app.handle(missed, MemoryStore())).body == b'{"error": "Message not found"}' + end


@pytest.mark.parametrize("path", ["/", *(f"/{'A' * 22}{rest}" for rest in ("", "/answer", "/part"))])
async def test_a_part_of_a_body_is_not_taken_for_all_of_it(path: str) -> None:
    headers = {"content-range": "bytes 5-9/10", "content-length": "5", "ttl": "60"}
    request = Request("http", "PUT", path, headers, "192.0.2.1", body(b"later"))
    response = await App(Settings(), parts=MemoryPartStore()).handle(request, MemoryStore())
    assert (response.status, json.loads(response.body)["code"]) == (400, "partial_body")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_message_of_another_version_than_the_one_that_is_there_is_neither_read_nor_destroyed(
    method: str,
) -> None:
    app, store = App(Settings(), new_id=lambda _: "abc12"), MemoryStore()
    await app.handle(post("secret"), store)
    request = Request("http", method, "/abc12", {"if-match": '"v1"'}, "192.0.2.1", body())
    assert (await app.handle(request, store)).status == 412
    assert (await app.handle(request._replace(headers={"if-match": "*"}), store)).status in (200, 204)


async def test_a_form_with_a_message_is_shown_the_right_form() -> None:
    request = Request("http", "POST", "/", {}, "192.0.2.1", body(b"message=hi"))
    response = await App(Settings()).handle(request, MemoryStore())
    assert (response.status, json.loads(response.body)) == (
        400,
        {"error": "Invalid JSON body", "hint": 'Send JSON: {"message": "hi"}'},
    )


@pytest.mark.parametrize("agent", ["curl/8.9.1", "python-httpx/0.28"])
@pytest.mark.parametrize(
    ("method", "path", "sent", "has_hint"),
    [
        ("PUT", "/notes.txt", b"hello", True),  # curl -T notes.txt
        ("POST", "/", b"hello", True),
        ("POST", "/", b'{"message": "cut off', False),
        ("PUT", "/abc12", b"hello", False),
        ("DELETE", "/", b"", False),
    ],
)
async def test_somebody_who_sends_a_file_with_curl_learns_how(
    method: str, path: str, sent: bytes, agent: str, *, has_hint: bool
) -> None:
    headers = {"user-agent": agent, "host": "example.org"}
    request = Request("https", method, path, headers, "192.0.2.1", body(sent))
    said = json.loads((await App(Settings()).handle(request, MemoryStore())).body)
    text = "Invalid JSON body" if method == "POST" else "Method not allowed"
    hint = {"hint": "To send a text: curl -T - https://example.org/ < notes.txt"}
    assert said == {"error": text} | (hint if has_hint and agent.startswith("curl") else {})


async def test_when_no_id_is_free_it_says_so() -> None:
    drawn: list[str] = []

    def draw(_: int) -> str:
        drawn.append("aaaaa")
        return drawn[-1]

    app, store = App(Settings(), new_id=draw), MemoryStore()
    assert (await app.handle(post("first"), store)).status == 200
    response = await app.handle(post("second"), store)
    assert (response.status, response.body) == (500, b'{"error": "Could not generate a unique ID"}')
    assert len(drawn) == 1 + MAX_ID_ATTEMPTS
    read = await app.handle(Request("http", "GET", "/aaaaa", {}, "192.0.2.1", body()), store)
    assert read.body == b'{"message": "first"}'


async def test_an_id_that_is_taken_is_drawn_again() -> None:
    drawn = iter(["aaaaa", "aaaaa", "bbbbb"])
    app, store = App(Settings(), new_id=lambda _: next(drawn)), MemoryStore()
    assert (await app.handle(post("first"), store)).body == b'{"id": "aaaaa"}'
    assert (await app.handle(post("second"), store)).body == b'{"id": "bbbbb"}'


def test_every_letter_of_an_id_is_equally_likely() -> None:
    count = 36 * 10_000
    drawn = Counter("".join(ids.generate(20) for _ in range(count // 20)))
    assert set(drawn) == set(ids.ALPHABET)
    # The standard deviation is 99. If all 256 bytes gave a letter, four would have 11,250 and the others 9,844.
    assert all(9_300 < drawn[letter] < 10_700 for letter in ids.ALPHABET)
