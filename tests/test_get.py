"""`GET /{id}`: read once, and only by somebody who means to."""

import asyncio
import socket

import httpx
import pytest

from tests.support.platforms import Connection, Platform

NOT_FOUND = (404, b'{"error": "Message not found"}')


def create(client: httpx.Client, message: str = "secret") -> str:
    message_id: str = client.post("/", json={"message": message}).json()["id"]
    return message_id


def test_the_first_reader_gets_it_and_nobody_after(client: httpx.Client) -> None:
    message_id = create(client)
    first = client.get("/" + message_id)
    assert (first.status_code, first.content) == (200, b'{"message": "secret"}')
    for _ in range(3):
        again = client.get("/" + message_id)
        assert (again.status_code, again.content) == NOT_FOUND


def test_unknown_and_already_read_cannot_be_told_apart(client: httpx.Client) -> None:
    message_id = create(client)
    client.get("/" + message_id)
    read, unknown = client.get("/" + message_id), client.get("/zzzzzz")
    volatile = {"date", "connection"}
    assert read.content == unknown.content
    assert {k: v for k, v in read.headers.items() if k not in volatile} == {
        k: v for k, v in unknown.headers.items() if k not in volatile
    }


def test_a_query_changes_nothing(client: httpx.Client) -> None:
    assert client.get(f"/{create(client)}?utm_source=mail").status_code == 200


@pytest.mark.parametrize("path", ["/abcd", "/ABC12", "/abc1!", "/abc%31", "/%61bc12", "/a b", "/ábc12", "/" + "a" * 21])
def test_what_cannot_be_an_id_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == NOT_FOUND


async def test_a_path_that_looks_like_a_routes_pattern_is_not_found(connections: list[Connection]) -> None:
    for path in ("/{id}", "/{sealed_id}", "/{id}/reveal"):
        method = "POST" if path.endswith("reveal") else "GET"
        assert await connections[0].ask(method, path) == (404, {"error": "Message not found"})


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", {}, 405),
        ("OPTIONS", {}, 204),
        ("PUT", {}, 405),
        ("POST", {}, 405),
        ("PROPFIND", {}, 405),
        ("TRACE", {}, 405),
        ("GET", {"Sec-Purpose": "prefetch"}, 403),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, 403),
        ("GET", {"Purpose": "prefetch"}, 403),
    ],
)
def test_nothing_else_reads(client: httpx.Client, method: str, headers: dict[str, str], status: int) -> None:
    message_id = create(client)
    assert client.request(method, "/" + message_id, headers=headers).status_code == status
    assert client.get("/" + message_id).json() == {"message": "secret"}


def test_a_reader_who_leaves_before_asking_takes_nothing(platform: Platform, client: httpx.Client) -> None:
    message_id = create(client)
    with socket.create_connection(("127.0.0.1", platform.port)) as connection:
        connection.sendall(f"GET /{message_id} HTTP/1.1\r\nHost: x\r\n".encode())  # its last line never comes
    assert client.get("/" + message_id).status_code == 200


@pytest.mark.parametrize("messages", [100, pytest.param(500, marks=pytest.mark.long)])
async def test_of_32_readers_at_once_one_gets_it(connections: list[Connection], messages: int) -> None:
    """Promise 1."""
    for number in range(messages):
        status, created = await connections[0].ask("POST", "/", {"message": f"secret {number}"})
        assert status == 200
        answers = await asyncio.gather(*(each.ask("GET", "/" + created["id"]) for each in connections))
        assert sorted(status for status, _ in answers) == [200] + [404] * 31
        assert (200, {"message": f"secret {number}"}) in answers


async def test_concurrent_messages_do_not_mix(connections: list[Connection]) -> None:
    async def send_and_read(connection: Connection, number: int) -> None:
        for round_number in range(5):
            message = {"message": f"{number} {round_number} " + "x" * number * 1_000}
            _, created = await connection.ask("POST", "/", message)
            assert await connection.ask("GET", "/" + created["id"]) == (200, message)

    await asyncio.gather(*(send_and_read(connection, number) for number, connection in enumerate(connections)))
