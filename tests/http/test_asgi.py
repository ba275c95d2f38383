"""The service as an ASGI application, in another server than its own."""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api.server.asgi import AsgiApp, create_app
from tests.support.rate import awaited_within_a_second


async def test_any_asgi_server_can_run_it(tmp_path: Path) -> None:
    """Spoken to through another implementation of the protocol, with the environment as its only settings."""
    app = create_app({"CRYPT_API_STORE": f"sqlite:///{tmp_path}/messages.db", "CRYPT_API_RATE_LIMIT_PER_SECOND": "1"})
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    told = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": next(events)}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        created = await client.post("/", json={"message": "secret"})
        assert created.status_code == 200

        async def ask() -> list[int]:
            return [(await client.get("/zzzzz")).status_code for _ in range(2)]

        assert (await awaited_within_a_second(ask))[1] == 429
        assert (await client.head("/")).content == b""
    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not (tmp_path / "messages.db-wal").exists()


async def test_an_upload_that_is_broken_off_does_nothing() -> None:
    """Even if what has arrived of it is a whole form: it is not what the client meant to send."""
    app = create_app({"CRYPT_API_STORE": "memory:", "CRYPT_API_RATE_LIMIT_PER_SECOND": "0"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        message_id = (await client.post("/", json={"message": "secret"})).json()["id"]
        arriving: list[MutableMapping[str, Any]] = [
            {"type": "http.request", "body": b"token=abc", "more_body": True},
            {"type": "http.disconnect"},
        ]
        told = []

        async def receive() -> MutableMapping[str, Any]:
            return arriving.pop(0)

        async def send(message: MutableMapping[str, Any]) -> None:
            told.append(message.get("status"))

        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "raw_path": f"/{message_id}/reveal".encode(),
            "headers": [(b"cookie", b"reveal=abc")],
        }
        await app(scope, receive, send)
        assert told[0] == 400
        assert (await client.get("/" + message_id)).json() == {"message": "secret"}


async def ask(app: AsgiApp, scope: dict[str, Any], body: bytes = b"") -> tuple[int, bytes]:
    told: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    await app({"type": "http", "scheme": "http", "method": "GET", "headers": []} | scope, receive, send)
    return told[0]["status"], told[1]["body"]


@pytest.mark.parametrize("raw_path", [{}, {"raw_path": None}])
async def test_a_server_need_not_give_the_path_as_it_was_sent(raw_path: dict[str, None]) -> None:
    app = create_app({"CRYPT_API_STORE": "memory:", "CRYPT_API_RATE_LIMIT_PER_SECOND": "0"})
    _, body = await ask(app, {"method": "POST", "path": "/", **raw_path}, b'{"message": "secret"}')
    path = "/" + json.loads(body)["id"]
    browser = [(b"sec-fetch-mode", b"navigate")]
    status, page = await ask(app, {"path": f"{path} é?x", "headers": browser, **raw_path})
    assert (status, f'action="{path}/reveal"'.encode() in page) == (200, True)  # a damaged link
    assert await ask(app, {"path": path, **raw_path}) == (200, b'{"message": "secret"}')


async def test_cookies_may_come_in_a_header_each() -> None:
    """As an HTTP/2 client may send them."""
    app = create_app({"CRYPT_API_STORE": "memory:", "CRYPT_API_RATE_LIMIT_PER_SECOND": "0"})
    _, body = await ask(app, {"method": "POST", "raw_path": b"/"}, b'{"message": "secret"}')
    path = "/" + json.loads(body)["id"]
    cookies = [(b"cookie", b"theme=dark"), (b"cookie", b"reveal=abc"), (b"cookie", b"other=1")]
    scope = {"method": "POST", "raw_path": f"{path}/reveal".encode(), "headers": cookies}
    assert await ask(app, scope, b"token=abc") == (200, b'{"message": "secret"}')


async def test_the_operators_proxies_say_who_the_client_is() -> None:
    environment = {"STORE": "memory:", "RATE_LIMIT_PER_SECOND": "1", "TRUSTED_PROXIES": "127.0.0.1"}
    app = create_app({f"CRYPT_API_{name}": value for name, value in environment.items()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:

        async def ask() -> list[int]:
            addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.1"]
            answers = [await client.get("/zzzzz", headers={"X-Forwarded-For": address}) for address in addresses]
            return [answer.status_code for answer in answers]

        assert await awaited_within_a_second(ask) == [404, 404, 429]
