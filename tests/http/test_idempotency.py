"""`Idempotency-Key`: a lost answer, or a reload, loses nothing for a minute."""

import asyncio

import httpx
import pytest

from tests.http.test_sealed import put, put_locked, status
from tests.support.errors import error_body
from tests.support.platforms import Platform

NONCE = {"Idempotency-Key": "k4Jr8wXq"}
OTHER = {"Idempotency-Key": "another"}


def create(client: httpx.Client) -> str:
    return "/" + str(client.post("/", json={"message": "secret"}).json()["id"])


def test_the_same_nonce_gets_the_same_bytes_and_nobody_else_any(client: httpx.Client) -> None:
    path = create(client)
    first = client.get(path, headers=NONCE)
    assert (first.status_code, first.content) == (200, b'{"message": "secret"}')
    for _ in range(3):
        assert client.get(path, headers=NONCE).content == first.content
        assert client.get(path, headers=OTHER).status_code == 404
        assert client.get(path).status_code == 404


def test_an_acknowledged_message_is_gone(client: httpx.Client) -> None:
    path = create(client)
    client.get(path, headers=NONCE)
    assert client.delete(path, headers=OTHER).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.delete(path, headers=NONCE).status_code == 204
    assert client.get(path, headers=NONCE).status_code == 404
    assert client.delete(path, headers=NONCE).status_code == 404


def test_an_acknowledgement_of_an_unread_message_destroys_nothing(client: httpx.Client) -> None:
    path = create(client)
    sealed = put(client)
    assert client.delete(path, headers=NONCE).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | NONCE).status_code == 404
    assert client.get(path).json() == {"message": "secret"}
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "envelope"}


def test_a_sealed_message_is_held_with_its_proof(client: httpx.Client) -> None:
    sealed = put_locked(client)
    assert client.get(sealed.path, headers=sealed.with_passphrase() | NONCE).status_code == 200
    assert client.get(sealed.path, headers=sealed.with_passphrase() | OTHER).status_code == 404
    assert client.get(sealed.path, headers=NONCE).status_code == 401
    assert client.get(sealed.path, headers=sealed.with_passphrase() | NONCE).json() == {"message": "envelope"}
    assert status(client, sealed)["state"] == "read"
    assert client.delete(sealed.path, headers=sealed.headers).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | NONCE).status_code == 204
    assert client.get(sealed.path, headers=sealed.with_passphrase() | NONCE).status_code == 404
    assert status(client, sealed)["state"] == "read"


def test_a_repetition_takes_no_read_of_another(client: httpx.Client) -> None:
    sealed = put(client, reads=2)
    for headers in (NONCE, NONCE, OTHER, NONCE, OTHER):
        assert client.get(sealed.path, headers=sealed.headers | headers).status_code == 200
    assert client.get(sealed.path, headers=sealed.headers).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers | NONCE).status_code == 204
    assert client.get(sealed.path, headers=sealed.headers | OTHER).status_code == 200


@pytest.mark.parametrize("nonce", ["", "a b", "x" * 256, b"\xe9"])
def test_what_is_no_nonce_reads_nothing(client: httpx.Client, nonce: str | bytes) -> None:
    path = create(client)
    answer = client.get(path, headers=[(b"Idempotency-Key", nonce if isinstance(nonce, bytes) else nonce.encode())])
    refused = error_body("Header 'Idempotency-Key' must be 1 to 255 visible ASCII characters")
    assert (answer.status_code, answer.content) == (400, refused)
    assert client.get(path).json() == {"message": "secret"}


async def test_of_32_nonces_at_once_one_holds_it(platform: Platform) -> None:
    connections = [await platform.connect() for _ in range(32)]
    nonces = [{"Idempotency-Key": f"nonce-{number}"} for number in range(32)]
    with platform.client() as client:
        for _ in range(10):
            path = create(client)
            pairs = list(zip(connections, nonces, strict=True))
            first = await asyncio.gather(*(c.ask("GET", path, headers=nonce) for c, nonce in pairs))
            assert sorted(code for code, _ in first) == [200] + [404] * 31
            again = await asyncio.gather(*(c.ask("GET", path, headers=nonce) for c, nonce in pairs))
            assert again == first
    for connection in connections:
        connection.close()
