"""Sealed messages: `PUT /{id}`, reading with proofs, `DELETE` and the receipt."""

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.bodies import REFUSED_SEALED
from tests.support.errors import error_body
from tests.support.platforms import Connection, Platform
from tests.support.sealed import Sealed, encode, put, put_locked, receipt

NOT_FOUND = (404, b'{"error": "Message not found"}')

UNAUTHORIZED = (401, error_body("Authorization required"))


def test_it_is_created_and_read_once(client: httpx.Client) -> None:
    sealed = Sealed()
    created = client.put(sealed.path, json=sealed.body | {"ttl": 3600})
    assert created.status_code == 201
    assert list(created.json()) == ["id", "expires_at"]
    assert created.json()["id"] == sealed.id
    left = datetime.fromisoformat(created.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=3_590) < left < timedelta(seconds=3_602)
    assert created.json()["expires_at"].endswith("Z")
    read = client.get(sealed.path, headers=sealed.headers)
    assert (read.status_code, read.content) == (200, b'{"message": "envelope"}')
    again = client.get(sealed.path, headers=sealed.headers)
    assert (again.status_code, again.content) == NOT_FOUND


def test_the_same_request_again_is_confirmed_while_unread(client: httpx.Client) -> None:
    sealed = Sealed()
    first = client.put(sealed.path, json=sealed.body)
    again = client.put(sealed.path, json=dict(reversed(sealed.body.items())))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    client.get(sealed.path, headers=sealed.headers)
    used = client.put(sealed.path, json=sealed.body)
    assert (used.status_code, used.content) == (409, error_body("ID is already in use"))


@pytest.mark.parametrize(
    "change", [{"message": "another"}, {"ttl": 60}, {"reads": 2}, {"proof_hash": encode(bytes(32))}]
)
def test_anything_else_under_a_used_id_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    sealed = put(client)
    assert client.put(sealed.path, json=sealed.body | change).status_code == 409
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "envelope"}


@pytest.mark.parametrize("case", REFUSED_SEALED)
def test_an_invalid_field_is_refused_by_its_name(client: httpx.Client, case: str) -> None:
    change, (status, error) = REFUSED_SEALED[case]
    sealed = Sealed()
    answer = client.put(sealed.path, json=sealed.body | change)
    assert (answer.status_code, answer.content) == (status, error_body(error))
    assert client.get(sealed.path, headers=sealed.headers).status_code == 404


def test_the_largest_envelope_is_accepted(client: httpx.Client) -> None:
    sealed = put(client, message="x" * 142_034)
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "x" * 142_034}


@pytest.mark.parametrize("path", ["/abc12", "/" + "A" * 21, "/" + "A" * 21 + "B", "/" + "A" * 23])
def test_only_a_derived_id_can_be_put(client: httpx.Client, path: str) -> None:
    assert client.put(path, json=Sealed().body).status_code == 405


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "BearerX"])
@pytest.mark.parametrize("exists", [True, False])
def test_without_a_proof_nothing_is_told(client: httpx.Client, header: str | None, exists: bool) -> None:  # noqa: FBT001
    sealed = put(client) if exists else Sealed()
    headers = {} if header is None else {"Authorization": header}
    for answer in (
        client.get(sealed.path, headers=headers),
        client.delete(sealed.path, headers=headers),
        client.get(sealed.path + "/status", headers=headers),
    ):
        assert (answer.status_code, answer.content) == UNAUTHORIZED
        assert answer.headers["www-authenticate"] == "Bearer"
    if exists:
        assert client.get(sealed.path, headers=sealed.headers).status_code == 200


@pytest.mark.parametrize("token", [encode(bytes(32)), "short", "A" * 43 + "=", "A" * 42 + "B", "." + "A" * 43, "é"])
def test_a_wrong_proof_is_an_unknown_id(client: httpx.Client, token: str) -> None:
    sealed = put_locked(client)
    for _ in range(12):
        answer = client.get(sealed.path, headers=[(b"Authorization", f"Bearer {token}".encode("latin-1"))])
        assert (answer.status_code, answer.content) == NOT_FOUND
    assert receipt(client, sealed)["state"] == "unread"
    assert client.get(sealed.path, headers=sealed.with_passphrase()).status_code == 200


def test_the_scheme_may_be_written_in_any_case(client: httpx.Client) -> None:
    sealed = put(client)
    headers = {"Authorization": sealed.headers["Authorization"].replace("Bearer", "bEARER")}
    assert client.get(sealed.path, headers=headers).status_code == 200


def test_a_passphrase_is_asked_for_and_a_typo_costs_nothing(client: httpx.Client) -> None:
    sealed = put_locked(client)
    asked = client.get(sealed.path, headers=sealed.headers)
    assert (asked.status_code, asked.content) == (401, error_body("Passphrase required", tries_left=10))
    assert asked.headers["www-authenticate"] == "Bearer"
    for left in (9, 8):
        wrong = client.get(sealed.path, headers=sealed.with_passphrase(secrets.token_bytes(32)))
        assert (wrong.status_code, wrong.content) == (403, error_body("Wrong passphrase", tries_left=left))
    broken = client.get(sealed.path, headers={"Authorization": sealed.headers["Authorization"] + ".x"})
    assert broken.content == error_body("Wrong passphrase", tries_left=7)
    assert receipt(client, sealed) | {"expires_at": ""} == {
        "state": "unread", "passphrase": True, "reads_left": 1, "at": None, "expires_at": ""
    }  # fmt: skip
    assert client.get(sealed.path, headers=sealed.with_passphrase()).json() == {"message": "envelope"}


def test_a_passphrase_for_a_message_that_has_none_reads_nothing(client: httpx.Client) -> None:
    """The reader's key would not open it."""
    sealed = put(client)
    for _ in range(12):
        answer = client.get(sealed.path, headers=sealed.with_passphrase())
        assert (answer.status_code, answer.content) == (403, error_body("Message has no passphrase"))
    assert receipt(client, sealed)["state"] == "unread"
    assert client.get(sealed.path, headers=sealed.headers).json() == {"message": "envelope"}


async def test_a_burst_of_guesses_has_ten_tries(connections: list[Connection], client: httpx.Client) -> None:
    for _ in range(5):
        sealed = put_locked(client)
        headers = [sealed.with_passphrase(secrets.token_bytes(32)) for _ in connections]
        headers[16] = sealed.with_passphrase()
        asks = zip(connections, headers, strict=True)
        answers = await asyncio.gather(*(c.ask("GET", sealed.path, headers=h) for c, h in asks))
        wrong = sorted(body["tries_left"] for code, body in answers if code == 403)
        granted = [body for code, body in answers if code == 200]
        assert wrong == list(range(10 - len(wrong), 10))
        if granted:
            assert granted == [{"message": "envelope"}]
            assert len(wrong) < 10
        else:
            assert len(wrong) == 10
            assert receipt(client, sealed)["state"] == "destroyed"


async def test_it_has_as_many_readers_as_allowed(connections: list[Connection], client: httpx.Client) -> None:
    for reads in (1, 3, 7):
        sealed = put(client, reads=reads)
        answers = await asyncio.gather(*(c.ask("GET", sealed.path, headers=sealed.headers) for c in connections))
        assert sorted(code for code, _ in answers) == [200] * reads + [404] * (32 - reads)
        assert receipt(client, sealed)["reads_left"] == 0


def test_the_receipt_tells_what_became_of_it(client: httpx.Client) -> None:
    sealed = put(client, reads=2)
    unread = receipt(client, sealed)
    assert (unread["state"], unread["reads_left"], unread["at"]) == ("unread", 2, None)
    for left in (1, 0):
        client.get(sealed.path, headers=sealed.headers)
        told = receipt(client, sealed)
        assert (told["state"], told["reads_left"]) == ("read", left)
        assert abs(datetime.fromisoformat(told["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
        assert told["expires_at"] == unread["expires_at"]


def test_its_sender_can_destroy_it_unread(client: httpx.Client) -> None:
    sealed = put_locked(client)
    destroyed = client.delete(sealed.path, headers=sealed.headers)
    assert (destroyed.status_code, destroyed.content) == (204, b"")
    assert client.get(sealed.path, headers=sealed.with_passphrase()).status_code == 404
    assert client.delete(sealed.path, headers=sealed.headers).status_code == 404
    assert receipt(client, sealed)["state"] == "destroyed"
    assert client.put(sealed.path, json=sealed.body).status_code == 409


def test_a_plain_message_can_be_destroyed_and_leaves_no_receipt(client: httpx.Client) -> None:
    message_id = client.post("/", json={"message": "secret"}).json()["id"]
    for path in (f"/{message_id}/status", "/zzzzzz/status"):
        answer = client.get(path, headers=Sealed().headers)
        assert (answer.status_code, answer.content) == NOT_FOUND
    assert client.delete("/" + message_id).status_code == 204
    assert client.delete("/" + message_id).status_code == 404
    assert client.get("/" + message_id).status_code == 404


def test_no_log_names_an_id_a_proof_or_an_envelope(platform: Platform, client: httpx.Client) -> None:
    sealed = put_locked(client)
    for headers in ({}, sealed.headers, sealed.with_passphrase(secrets.token_bytes(32)), sealed.with_passphrase()):
        client.get(sealed.path, headers=headers)
        client.get(sealed.path + "/status", headers=headers)
    assert sealed.id not in platform.process.output
    assert encode(sealed.proof) not in platform.process.output
    assert sealed.body["proof_hash"] not in platform.process.output
    assert "envelope" not in platform.process.output


def test_what_a_page_of_another_origin_needs_is_allowed(client: httpx.Client) -> None:
    answer = client.options("/" + "A" * 22)
    assert set(answer.headers["access-control-allow-methods"].split(", ")) == {
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "OPTIONS",
    }
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert allowed == {"*", "Authorization", "Content-Type", "Idempotency-Key"}  # `*` is not for Authorization
    assert int(answer.headers["access-control-max-age"]) > 0
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed
    assert answer.content == b""
    assert json.loads(client.get("/zzzzzz").content) == {"error": "Message not found"}
