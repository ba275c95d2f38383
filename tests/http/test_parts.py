"""Parts of files over HTTP, on both platforms."""

import os
from collections.abc import Iterator

import httpx
import pytest

from crypt_api.client.parts import MAX_PART_BYTES, MAX_SEALED_PART_BYTES, PartKeys
from crypt_core.encoding import encode_base64url
from crypt_core.parts import EXTRA_TTL, MAX_FETCHES
from tests.support.platforms import Platform


@pytest.fixture
def client(files_platform: Platform) -> Iterator[httpx.Client]:
    with files_platform.client() as client:
        yield client


class Part:
    """A part that nobody else has, and how it is asked for."""

    def __init__(self, size: int = 10_000) -> None:
        keys = PartKeys.generate()
        self.data = keys.seal(0, os.urandom(size))
        self.path = f"/{keys.id(0)}/part"
        self.authorization = {"Authorization": f"Bearer {encode_base64url(keys.proof(0))}"}

    def put(self, client: httpx.Client, **headers: str) -> httpx.Response:
        return client.put(self.path, content=self.data, headers={"TTL": "3600", **headers})

    def get(self, client: httpx.Client, **headers: str) -> httpx.Response:
        return client.get(self.path, headers=self.authorization | headers)

    def delete(self, client: httpx.Client) -> httpx.Response:
        return client.delete(self.path, headers=self.authorization)


@pytest.mark.parametrize("size", [0, 10_000, MAX_PART_BYTES])
def test_a_part_is_kept_fetched_and_deleted(client: httpx.Client, size: int) -> None:
    part = Part(size)
    assert part.get(client).status_code == 404
    created = part.put(client)
    assert (created.status_code, [*created.json()]) == (201, ["expires_at"])
    again = part.put(client, TTL="60")
    assert (again.status_code, again.json()) == (200, created.json())
    for _ in range(2):
        fetched = part.get(client)
        assert (fetched.status_code, fetched.headers["content-type"]) == (200, "application/octet-stream")
        assert fetched.headers["content-length"] == str(len(part.data))
        assert fetched.headers["cache-control"] == "no-store"
        assert fetched.content == part.data
    deleted = part.delete(client)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert part.delete(client).status_code == part.get(client).status_code == 404


def test_only_its_proof_fetches_and_deletes_it(client: httpx.Client) -> None:
    part, other = Part(), Part()
    part.put(client)
    for method in ("GET", "DELETE"):
        none = client.request(method, part.path)
        assert (none.status_code, none.json()["code"]) == (401, "authorization_required")
        for proof in (other.authorization["Authorization"], "Bearer x", "Bearer " + part.path[1:23]):
            wrong = client.request(method, part.path, headers={"Authorization": proof})
            assert (wrong.status_code, wrong.json()["code"]) == (404, "part_not_found")
    assert part.get(client).content == part.data


@pytest.mark.parametrize("ttl", ["", "59", "x", "1e3", "-60", "60.5", str(86_400 + EXTRA_TTL + 1), "9" * 5_000])
def test_the_ttl_is_checked(client: httpx.Client, ttl: str) -> None:
    part = Part()
    refused = client.put(part.path, content=part.data, headers={"TTL": ttl} if ttl else {})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_field")
    assert "60 to 100800" in refused.json()["error"]
    assert part.get(client).status_code == 404


def test_the_longest_ttl_outlives_every_message(client: httpx.Client) -> None:
    assert Part().put(client, TTL=str(86_400 + EXTRA_TTL)).status_code == 201


def test_a_part_that_is_too_large_or_has_no_length_is_refused(client: httpx.Client) -> None:
    part = Part()
    part.data = bytes(MAX_SEALED_PART_BYTES + 1)
    refused = part.put(client)
    assert (refused.status_code, refused.json()["code"]) == (413, "part_too_large")
    chunked = client.put(part.path, content=iter([b"x"]), headers={"TTL": "60"})
    assert (chunked.status_code, chunked.json()["code"]) == (411, "length_required")
    assert part.get(client).status_code == 404


def test_an_upload_without_a_byte_is_kept_as_it_is(client: httpx.Client) -> None:
    part = Part()
    part.data = b""
    assert part.put(client).status_code == 201
    assert part.get(client).content == b""


def test_what_is_no_parts_id_is_not_found(client: httpx.Client) -> None:
    for path in ("/abc12/part", "/q83vASNFZ4mrze8BI0Vni-/part"):
        refused = client.put(path, content=b"x", headers={"TTL": "60"})
        assert (refused.status_code, refused.json()["code"]) == (404, "part_not_found")


def test_other_methods_are_refused(client: httpx.Client) -> None:
    part = Part()
    refused = client.post(part.path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, PUT, DELETE, OPTIONS")


def test_a_part_is_no_place_for_a_file_host(client: httpx.Client) -> None:
    part = Part(0)
    part.put(client)
    assert {part.get(client).status_code for _ in range(MAX_FETCHES)} == {200}
    refused = part.get(client)
    assert (refused.status_code, refused.json()["code"]) == (403, "too_many_fetches")


def test_clients_ask_for_the_limits(client: httpx.Client) -> None:
    limits = client.get("/-/limits")
    assert limits.json() == {
        "message_bytes": 102_400,
        "min_ttl": 60,
        "max_ttl": 86_400,
        "default_ttl": 86_400,
        "max_reads": 100,
        "token": False,
        "notify": False,
        "files": {"max_bytes": 100_000_000, "part_bytes": MAX_SEALED_PART_BYTES, "extra_ttl": EXTRA_TTL},
    }
    assert "ratelimit" not in limits.headers


def test_without_a_place_for_files_they_are_off(worker: Platform) -> None:
    with worker.client() as client:
        part = Part()
        for refused in (part.put(client), part.get(client), part.delete(client)):
            assert (refused.status_code, refused.json()["code"]) == (403, "files_off")
        assert client.get("/-/limits").json()["files"] is None
