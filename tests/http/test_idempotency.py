"""`Idempotency-Key`: a lost answer, or a reload, loses nothing for a minute."""

import asyncio

import httpx
import pytest

from tests.support.errors import error_body
from tests.support.plain import create_path
from tests.support.platforms import Connection
from tests.support.sealed import put, put_locked, receipt

KEY = {"Idempotency-Key": "k4Jr8wXq"}
OTHER_KEY = {"Idempotency-Key": "another"}


def test_only_the_same_key_gets_the_same_message_again(client: httpx.Client) -> None:
    path = create_path(client)
    first = client.get(path, headers=KEY)
    assert (first.status_code, first.content) == (200, b'{"message": "secret"}')
    for _ in range(3):
        assert client.get(path, headers=KEY).content == first.content
        assert client.get(path, headers=OTHER_KEY).status_code == 404
        assert client.get(path).status_code == 404


def test_an_acknowledged_message_is_gone(client: httpx.Client) -> None:
    path = create_path(client)
    client.get(path, headers=KEY)
    assert client.delete(path, headers=OTHER_KEY).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.delete(path, headers=KEY).status_code == 204
    assert client.get(path, headers=KEY).status_code == 404
    assert client.delete(path, headers=KEY).status_code == 404


def test_an_acknowledgement_of_an_unread_message_destroys_nothing(client: httpx.Client) -> None:
    path = create_path(client)
    sealed = put(client)
    assert client.delete(path, headers=KEY).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | KEY).status_code == 404
    assert client.get(path).json() == {"message": "secret"}
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "envelope"}


def test_a_sealed_message_is_leased_to_its_proof_and_key(client: httpx.Client) -> None:
    sealed = put_locked(client)
    assert client.get(sealed.path, headers=sealed.with_passphrase() | KEY).status_code == 200
    assert client.get(sealed.path, headers=sealed.with_passphrase() | OTHER_KEY).status_code == 404
    assert client.get(sealed.path, headers=KEY).status_code == 401
    assert client.get(sealed.path, headers=sealed.with_passphrase() | KEY).json() == {"message": "envelope"}
    assert receipt(client, sealed)["state"] == "read"
    assert client.delete(sealed.path, headers=sealed.headers).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | KEY).status_code == 204
    assert client.get(sealed.path, headers=sealed.with_passphrase() | KEY).status_code == 404
    assert receipt(client, sealed)["state"] == "read"


def test_a_repeated_read_takes_no_read_from_another_reader(client: httpx.Client) -> None:
    sealed = put(client, reads=2)
    for headers in (KEY, KEY, OTHER_KEY, KEY, OTHER_KEY):
        assert client.get(sealed.path, headers=sealed.headers | headers).status_code == 200
    assert client.get(sealed.path, headers=sealed.headers).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | KEY).status_code == 204
    assert client.get(sealed.path, headers=sealed.headers | OTHER_KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, b"\xe9"])
def test_an_invalid_key_reads_nothing(client: httpx.Client, key: str | bytes) -> None:
    path = create_path(client)
    answer = client.get(path, headers=[(b"Idempotency-Key", key if isinstance(key, bytes) else key.encode())])
    refused = error_body("Header 'Idempotency-Key' must be 1 to 255 visible ASCII characters")
    assert (answer.status_code, answer.content) == (400, refused)
    assert client.get(path).json() == {"message": "secret"}


async def test_of_32_keys_at_once_one_gets_the_lease(connections: list[Connection], client: httpx.Client) -> None:
    pairs = [(connection, {"Idempotency-Key": f"key-{number}"}) for number, connection in enumerate(connections)]
    for _ in range(10):
        path = create_path(client)
        first = await asyncio.gather(*(connection.ask("GET", path, headers=key) for connection, key in pairs))
        assert sorted(code for code, _ in first) == [200] + [404] * 31
        again = await asyncio.gather(*(connection.ask("GET", path, headers=key) for connection, key in pairs))
        assert again == first
