"""What every answer carries, and the answers to what fits no route."""

import re
import socket

import httpx
import pytest

from tests.support.platforms import Platform

COMMON = {
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("POST", "/", 400),
        ("DELETE", "/", 405),
        ("GET", "/abc123", 404),
        ("PATCH", "/", 405),
        ("GET", "/a/b", 404),
        ("OPTIONS", "/", 204),
        ("OPTIONS", "/abc12", 204),
        ("OPTIONS", "/a/b/c", 204),
        ("PROPFIND", "/abc12", 405),
    ],
)
def test_every_answer_carries_the_common_headers(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers={"Origin": "https://example.com"})
    assert answer.status_code == status
    assert COMMON.items() <= dict(answer.headers).items()
    assert {"GET", "POST", "OPTIONS"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"*", "Authorization", "Content-Type"} <= set(allowed)  # `*` is not for Authorization
    if status >= 400:
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert list(answer.json()) == ["error"]
    assert "server" not in answer.headers


def test_help_is_text_with_a_command_that_works(platform: Platform, client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'curl -d \'{{"message": "the key is under the mat"}}\' {platform.url}/\n' in answer.text


def test_a_host_header_cannot_put_anything_into_the_help(client: httpx.Client) -> None:
    answer = client.get("/", headers={"Host": "x$(reboot)"})
    assert "reboot" not in answer.text


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client) -> None:
    answer = client.head("/")
    assert answer.content == b""
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_preflight_is_answered_without_a_body(client: httpx.Client) -> None:
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = client.options("/", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("path", ["/abc12/", "/a/b", "/abc12//", "/favicon.ico/x", "/.well-known/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_other_paths_are_not_found(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.content) == (404, b'{"error": "Not found"}')


@pytest.mark.parametrize(
    ("path", "allowed"), [("/", {"GET", "HEAD", "POST", "PUT", "OPTIONS"}), ("/abc12", {"GET", "OPTIONS"})]
)
@pytest.mark.parametrize("method", ["PATCH", "PROPFIND", "TRACE"])
def test_other_methods_are_not_allowed(client: httpx.Client, method: str, path: str, allowed: set[str]) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.content) == (405, b'{"error": "Method not allowed"}')
    assert allowed <= set(answer.headers["allow"].split(", ")) <= {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}


def test_an_invented_method_is_refused(platform: Platform, client: httpx.Client) -> None:
    answer = client.request("FOOBAR", "/")
    if platform.name == "worker":
        # The runtime itself answers; the Worker is never asked.
        assert answer.status_code == 501
    else:
        assert (answer.status_code, answer.content) == (405, b'{"error": "Method not allowed"}')
        assert COMMON.items() <= dict(answer.headers).items()


def test_a_body_that_nobody_reads_upsets_nothing(client: httpx.Client) -> None:
    for _ in range(3):
        assert client.request("PATCH", "/", content=b"x" * 200_000).status_code == 405
        assert client.post("/a/b", content=b"x" * 200_000).status_code == 404
        assert client.post("/", json={"message": "x"}).status_code == 200


def test_no_log_names_an_id_or_a_message(platform: Platform, client: httpx.Client) -> None:
    message_id = client.post("/", json={"message": "unmistakable"}).json()["id"]
    for method in ("HEAD", "PUT", "GET", "GET", "POST"):
        client.request(method, "/" + message_id, content=b'{"message": "unmistakable"')
    client.post("/", content=b'{"message": "unmistakable"')
    client.get(f"/{message_id}/{message_id}")
    assert not re.search(rf"\b{message_id}\b", platform.process.output)  # a part of a word may be the same by chance
    assert "unmistakable" not in platform.process.output


def test_pipelined_requests_are_answered_in_turn(platform: Platform) -> None:
    request = f"GET /zzzzzz HTTP/1.1\r\nHost: x\r\n{platform.address_header}: 192.0.2.%d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", platform.port), timeout=30) as connection:
        connection.sendall("".join(request % number for number in range(5)).encode())
        received = b""
        while received.count(b"HTTP/1.1 404") < 5:
            received += connection.recv(65_536)
