"""`curl -T -`: a body that is the message itself, and a reader who gets the text itself."""

import httpx
import pytest

from tests.support.bodies import TOO_LARGE
from tests.support.errors import error_body
from tests.support.platforms import Platform

TEXT = {"Accept": "text/plain"}


@pytest.mark.parametrize("text", ["x\n", "\ufeff žluťoučký 🐎\r\n\n", '{"message": "x"}', "é" * 51_200])
def test_a_text_comes_back_to_the_byte(platform: Platform, client: httpx.Client, text: str) -> None:
    created = client.put("/", content=text.encode(), headers={"Content-Type": "", "User-Agent": "curl/8.9.1"})
    assert (created.status_code, created.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    address = created.text.removesuffix("\n")
    assert created.text == f"{address}\n"
    assert address.startswith(f"{platform.url}/")
    read = client.get(address, headers=TEXT | {"User-Agent": "curl/8.9.1"})
    assert (read.status_code, read.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert read.content == text.encode()
    again = client.get(address, headers=TEXT)
    assert (again.status_code, again.content) == (404, error_body("Message not found"))


def test_a_text_in_chunks_of_unknown_length_is_a_message(client: httpx.Client) -> None:
    address = client.put("/", content=iter([b"\xc3", b"\xa9"])).text.strip()
    assert client.get(address).content == '{"message": "é"}'.encode()


@pytest.mark.parametrize(
    ("content", "headers", "status", "text"),
    [
        (b"", {}, 400, "The body must be text in UTF-8, and not blank"),
        (b" \r\n\xc2\xa0", {}, 400, "The body must be text in UTF-8, and not blank"),
        (b"\xe9t\xe9", {}, 400, "The body must be text in UTF-8, and not blank"),
        (b"x" * 102_401, {}, *TOO_LARGE),
        (b"x", {"TTL": "59"}, 400, "Header 'TTL' must be a whole number of seconds from 60 to 86400"),
        (b"x", {"TTL": ""}, 400, "Header 'TTL' must be a whole number of seconds from 60 to 86400"),
        (b"x", {"TTL": "1h"}, 400, "Header 'TTL' must be a whole number of seconds from 60 to 86400"),
    ],
)
def test_what_is_no_message_is_refused(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int, text: str
) -> None:
    answer = client.put("/", content=content, headers=headers)
    assert (answer.status_code, answer.content) == (status, error_body(text))


def test_a_text_that_may_live_for_a_minute_is_there(client: httpx.Client) -> None:
    address = client.put("/", content=b"x", headers={"TTL": "60"}).text.strip()
    assert client.get(address, headers=TEXT).text == "x"
