"""The Python client, on both homes; and over a network that loses what it can."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crypt_api import AsyncClient, Client, Content, errors
from crypt_api.envelope import Keys, Secret
from tests import writings
from tests.homes import Home

FILE = Content(b"\x00\x01\xff", "key.bin", "application/octet-stream")


class ManyAddresses(httpx.HTTPTransport):
    """Each request comes from another address, so that no limit is met."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[self._home.address_header] = self._home.next_address()
        return super().handle_request(request)


class ManyAddressesAsync(httpx.AsyncHTTPTransport):
    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[self._home.address_header] = self._home.next_address()
        return await super().handle_async_request(request)


@pytest.fixture
def crypt(home: Home) -> Iterator[Client]:
    with Client(home.url, transport=ManyAddresses(home)) as client:
        yield client


@pytest.mark.parametrize("content", [Content.from_text("secret"), Content.from_text("🐎" * 1_000), FILE])
@pytest.mark.parametrize("passphrase", [None, "pass žluť"])
def test_it_is_read_as_it_was_sent(crypt: Client, content: Content, passphrase: str | None) -> None:
    sent = crypt.send(content, ttl=3_600, passphrase=passphrase)
    assert timedelta(seconds=3_590) < sent.expires_at - datetime.now(UTC) < timedelta(seconds=3_602)
    assert crypt.read(sent.link, passphrase=passphrase) == content


def test_the_second_reader_learns_when_it_was_read(crypt: Client) -> None:
    link = crypt.send("secret").link
    crypt.read(link)
    with pytest.raises(errors.AlreadyRead) as error:
        crypt.read(link)
    assert abs(error.value.at - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_receipt_and_taking_it_back(crypt: Client) -> None:
    link = crypt.send("secret", reads=2, passphrase="x").link
    receipt = crypt.status(link)
    assert (receipt.state, receipt.passphrase, receipt.reads_left, receipt.at) == ("unread", True, 2, None)
    crypt.burn(link)
    assert crypt.status(link).state == "destroyed"
    for action in (lambda: crypt.read(link, passphrase="x"), lambda: crypt.burn(link)):
        with pytest.raises(errors.Destroyed):
            action()
    with pytest.raises(errors.NotFound):
        crypt.status(link[:-22] + "A" * 22)


def test_no_request_tells_a_secret(home: Home) -> None:
    said: list[bytes] = []

    class Listening(ManyAddresses):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            said.append(f"{request.method} {request.url} {request.headers.raw}".encode() + request.read())
            return super().handle_request(request)

    with Client(home.url, transport=Listening(home)) as client:
        link = client.send(Content(b"unmistakable text", "unmistakable name"), passphrase="unmistakable pass").link
        client.status(link)
        with pytest.raises(errors.WrongPassphrase):
            client.read(link, passphrase="unmistakable mistake")
        assert client.read(link, passphrase="unmistakable pass").data == b"unmistakable text"
    secret, everything = Secret.parse(link), b"\n".join(said)
    contents = ("unmistakable text", "unmistakable name", "unmistakable mistake")
    for writing in writings.of_message(secret, "unmistakable pass", *contents):
        assert writing not in everything
    assert everything.count(secret.id.encode()) == len(said) == 5


def test_passphrases(crypt: Client) -> None:
    link = crypt.send("secret", passphrase="right").link
    with pytest.raises(errors.PassphraseRequired) as required:
        crypt.read(link)
    with pytest.raises(errors.WrongPassphrase) as wrong:
        crypt.read(link, passphrase="wrong")
    assert (required.value.tries_left, wrong.value.tries_left) == (10, 9)
    assert crypt.read(link, passphrase="right").text == "secret"
    without = crypt.send("secret").link
    with pytest.raises(errors.PassphraseUnexpected):
        crypt.read(without, passphrase="right")
    assert crypt.read(without).text == "secret"


def test_plain_messages(crypt: Client, home: Home) -> None:
    message_id = crypt.create("secret", ttl=60)
    assert crypt.fetch(message_id) == "secret"
    with pytest.raises(errors.NotFound):
        crypt.fetch(message_id)
    link = f"{home.url}/{crypt.create('secret')}"
    with pytest.raises(errors.InvalidLink, match="no receipt"):
        crypt.status(link)
    with pytest.raises(errors.PassphraseUnexpected):
        crypt.read(link, passphrase="x")
    assert crypt.read(link + "/?utm=1") == Content.from_text("secret")
    for no_id in ("", "a", "abc?x", "a/b", "é" * 5):
        with pytest.raises(errors.NotFound):
            crypt.fetch(no_id)
    with pytest.raises(errors.NotFound):
        crypt.burn(link)
    message_id = crypt.create("secret")
    crypt.delete(message_id)
    for action in (crypt.fetch, crypt.delete):
        with pytest.raises(errors.NotFound):
            action(message_id)


async def test_the_same_for_asyncio(home: Home) -> None:
    async with AsyncClient(home.url, transport=ManyAddressesAsync(home)) as client:
        sent = await asyncio.gather(*(client.send(f"secret {n}", reads=2) for n in range(10)))
        contents = await asyncio.gather(*(client.read(each.link) for each in sent))
        assert [content.text for content in contents] == [f"secret {n}" for n in range(10)]
        assert (await client.status(sent[0].link)).reads_left == 1
        await client.burn(sent[0].link)
        message_id = await client.create("plain")
        assert await client.fetch(message_id) == "plain"
        await client.delete(await client.create("plain"))
        async with client.reading((await client.send("secret")).link) as content:
            assert content.text == "secret"


async def test_asyncio_goes_on_while_a_passphrase_is_stretched(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    derive, threads = Secret.keys, []

    def note_thread(secret: Secret, passphrase: str | None) -> Keys:
        threads.append(threading.current_thread())
        return derive(secret, passphrase)

    monkeypatch.setattr(Secret, "keys", note_thread)
    async with AsyncClient(home.url, transport=ManyAddressesAsync(home)) as client:
        link = (await client.send("secret", passphrase="x")).link
        assert (await client.read(link, passphrase="x")).text == "secret"
    assert len(threads) == 2
    assert threading.main_thread() not in threads


def test_what_the_service_refuses_is_told(crypt: Client) -> None:
    with pytest.raises(errors.Refused, match="Field 'ttl' must be"):
        crypt.send("secret", ttl=1)
    with pytest.raises(errors.ContentTooLarge):
        crypt.send("x" * 102_401)
    with pytest.raises(errors.ContentTooLarge):
        crypt.create("x" * 102_401)


class Faulty(httpx.BaseTransport):
    """Delivers requests, and then does with the answers what it is told."""

    def __init__(self, home: Home, faults: list[Any]) -> None:
        self._real = ManyAddresses(home)
        self.faults = faults
        self.requests: list[str] = []
        self.last: httpx.Request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.method)
        self.last = request
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        if isinstance(fault, Exception):
            raise fault
        response = self._real.handle_request(request)
        response.read()
        if fault == "lost":
            raise httpx.ReadError("connection reset")
        return response

    def close(self) -> None:
        self._real.close()


Wait = httpx.Response(503, json={"error": "Storage unavailable"}, headers={"Retry-After": "5"})
Limited = httpx.Response(429, json={"error": "Rate limit exceeded"}, headers={"Retry-After": "1"})


@pytest.fixture
def faulty(home: Home) -> Iterator[Callable[[list[Any]], tuple[Client, Faulty, list[float]]]]:
    clients: list[Client] = []

    def make(faults: list[Any]) -> tuple[Client, Faulty, list[float]]:
        transport = Faulty(home, faults)
        pauses: list[float] = []
        clients.append(Client(home.url, transport=transport, sleep=pauses.append))
        return clients[-1], transport, pauses

    yield make
    for client in clients:
        client.close()


def test_a_lost_answer_to_send_makes_no_second_message(faulty: Any) -> None:
    client, transport, pauses = faulty(["lost", "lost"])
    link = client.send("secret").link
    assert transport.requests == ["PUT"] * 3
    assert pauses == [0.25, 0.5]
    assert client.read(link).text == "secret"


def test_a_lost_answer_to_read_loses_no_message(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost", "lost", "lost"]
    assert client.read(link).text == "secret"
    transport.requests.clear()
    plain = client.create("secret")
    transport.faults = ["lost"]
    assert client.fetch(plain) == "secret"


def test_a_reader_is_patient_where_the_message_may_be_held_for_it(faulty: Any) -> None:
    client, transport, pauses = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost"] * 7
    assert client.read(link).text == "secret"
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    link = client.send("secret").link
    transport.faults = ["lost"] * 8
    with pytest.raises(errors.AnswerLost):
        client.read(link)
    transport.requests.clear()
    transport.faults = [httpx.ConnectError("refused")] * 8
    with pytest.raises(errors.Unavailable) as error:
        client.read(link)
    assert (type(error.value), len(transport.requests)) == (errors.Unavailable, 4)


def test_a_lost_answer_to_burn_is_no_failure(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost"]
    client.burn(link)
    assert transport.requests == ["PUT", "DELETE", "DELETE", "GET"]
    with pytest.raises(errors.Destroyed):
        client.burn(link)
    link = client.send("secret").link
    client.read(link)
    transport.faults = ["lost"]
    with pytest.raises(errors.AlreadyRead):
        client.burn(link)


@pytest.mark.parametrize("is_plain", [False, True])
def test_what_has_arrived_is_not_held_any_longer(faulty: Any, home: Home, is_plain: bool) -> None:  # noqa: FBT001
    client, transport, _ = faulty([])
    assert client.fetch(client.create("secret")) if is_plain else client.read(client.send("secret").link)
    acknowledgement = transport.last
    assert acknowledgement.method == "DELETE"
    assert acknowledgement.extensions["timeout"]["read"] == 5.0  # it is only a courtesy
    headers = {name: acknowledgement.headers.get(name, "") for name in ("Authorization", "Idempotency-Key")}
    with home.client() as other:
        assert other.get(acknowledgement.url.path, headers=headers).status_code == 404


def test_what_was_not_taken_care_of_is_not_acknowledged(faulty: Any, home: Home) -> None:
    def fail(content: Content) -> None:
        assert content.text == "secret"
        raise OSError("the disk is full")

    client, transport, _ = faulty([])
    for link in (client.send("secret").link, f"{home.url}/{client.create('secret')}"):
        transport.requests.clear()
        with pytest.raises(OSError, match="full"), client.reading(link) as content:
            fail(content)
        assert transport.requests == ["GET"]
        with home.client() as other:  # it is held for whoever has the nonce
            headers = {n: v for n, v in transport.last.headers.items() if n in ("authorization", "idempotency-key")}
            assert other.get(transport.last.url.path, headers=headers).status_code == 200


def test_a_lost_acknowledgement_does_not_matter(faulty: Any) -> None:
    client, transport, pauses = faulty([])
    link = client.send("secret").link
    transport.faults = [None, "lost"]
    assert client.read(link).text == "secret"
    assert pauses == []


def test_it_waits_as_long_as_it_is_asked_to(faulty: Any) -> None:
    client, transport, pauses = faulty([Wait, Limited])
    client.send("secret")
    assert pauses == [5.0, 1.0]
    transport.faults = [httpx.Response(502), httpx.Response(504), httpx.Response(503, headers={"Retry-After": "99"})]
    client.send("secret")
    assert pauses == [5.0, 1.0, 1.0, 1.0, 10.0]


def test_it_gives_up_after_some_attempts(faulty: Any) -> None:
    client, transport, pauses = faulty(["lost"] * 10)
    with pytest.raises(errors.Unavailable, match="cannot be reached"):
        client.send("secret")
    assert (len(transport.requests), pauses) == (4, [0.25, 0.5, 1.0])
    for response, kind in ((Wait, errors.Unavailable), (Limited, errors.RateLimited)):
        transport.faults = [response] * 4
        with pytest.raises(kind):
            client.send("secret")


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>"},
        {"json": {}},
        {"json": []},
        {"json": None},
        {"json": {"expires_at": None, "message": 1}},
        {"json": {"expires_at": "soon"}},
        {"content": b"\xff"},
        {"content": b""},
    ],
)
@pytest.mark.parametrize("status", [200, 301, 418])
def test_what_is_no_service_is_told(faulty: Any, status: int, answer: dict[str, Any]) -> None:
    client, *_ = faulty([httpx.Response(status, **answer)])
    with pytest.raises(errors.Unavailable, match=rf"\({status}\) is not this service"):
        client.send("secret")


def test_a_proxy_without_a_service_is_told(faulty: Any) -> None:
    client, *_ = faulty([httpx.Response(502, text="<html>")] * 4)
    with pytest.raises(errors.Unavailable, match=r"\(502\) is not available now"):
        client.send("secret")


@pytest.mark.parametrize("change", [{"state": "\x1b[2J"}, {"reads_left": "1e999"}, {"reads_left": "[" * 50_000}])
def test_a_receipt_of_another_service_is_none(faulty: Any, change: dict[str, str]) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    fields = {"state": '"read"', "passphrase": "true", "reads_left": "1", "at": "null"}
    fields |= {name: json.dumps(value) if name == "state" else value for name, value in change.items()}
    fields["expires_at"] = '"2026-11-24T00:00:00Z"'
    transport.faults = [httpx.Response(200, text="{" + ",".join(f'"{n}": {v}' for n, v in fields.items()) + "}")]
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.status(link)


def test_no_proxy_hears_what_is_not_encrypted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Client(home.url) as client:
        assert client.fetch(client.create("secret")) == "secret"


def test_an_answer_that_cannot_be_unpacked_counts_as_lost(faulty: Any) -> None:
    client, _, pauses = faulty([httpx.DecodingError("not gzip")])
    client.send("secret")
    assert pauses == [0.25]


def test_a_forged_message_is_refused(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = [httpx.Response(200, json={"message": "A" * 5_500})]
    with pytest.raises(errors.BadEnvelope):
        client.read(link)
    assert client.read(link).text == "secret"


def test_what_is_no_text_is_refused(crypt: Client) -> None:
    half = "\ud800"
    cases: list[tuple[str | Content, str | None]] = [(half, None), ("x", half), (Content(b"", half, ""), None)]
    cases.append((Content(b"\xff"), None))
    for content, passphrase in cases:
        with pytest.raises(errors.InvalidText):
            crypt.send(content, passphrase=passphrase)
    with pytest.raises(errors.InvalidText) as error:
        crypt.create("secret" + half)
    assert error.value.__context__ is None


@pytest.mark.parametrize(
    "server",
    [
        "",
        "https://",
        "example.org",
        "ftp://example.org",
        "http://example.org",
        "https://[",
        "https://a:b",
        "https://a:b@c",
    ],
)
def test_nothing_is_sent_unencrypted_over_a_network(server: str) -> None:
    with pytest.raises(errors.InvalidLink):
        Client(server)
    with Client("http://127.0.0.1:9") as client, pytest.raises(errors.InvalidLink):
        client.read(f"{server}/#" + "A" * 22)


def test_the_server_does_without_the_clients_libraries() -> None:
    """And the other way round."""
    program = "import sys; {}; sys.exit(bool(set(sys.modules) & set({!r})))"
    cases = [
        ("import crypt_api, crypt_api.asgi, crypt_api.server", ["httpx", "cryptography", "rich"]),
        ("from crypt_api import Client", ["uvicorn", "prometheus_client", "segno"]),
    ]
    for imports, unwanted in cases:
        command = [sys.executable, "-c", program.format(imports, unwanted)]
        assert subprocess.run(command, check=False, env=os.environ).returncode == 0  # noqa: S603
