"""The Python client, on both platforms."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from crypt_api import AsyncClient, Attachment, Client, errors
from crypt_api.client.envelope import Keys, Secret
from crypt_api.client.links import sealed_link
from tests.support import spellings
from tests.support.platforms import Platform
from tests.support.transports import Listening, ManyAddresses, ManyAddressesAsync

pytestmark = pytest.mark.both_platforms

SECOND = timedelta(seconds=1)
"""The service tells whole seconds."""

FILE = Attachment(b"\x00\x01\xff", "key.bin")


@pytest.fixture
def crypt(platform: Platform) -> Iterator[Client]:
    with Client(platform.url, transport=ManyAddresses(platform)) as client:
        yield client


@pytest.mark.parametrize("text", ["secret", "🐎" * 1_000])
@pytest.mark.parametrize("files", [(), (FILE,)])
@pytest.mark.parametrize("passphrase", [None, "pass žluť"])
def test_a_message_is_read_as_it_was_sent(
    crypt: Client, text: str, files: tuple[Attachment, ...], passphrase: str | None
) -> None:
    before = datetime.now(UTC)
    sent = crypt.send(text, files=files, ttl=3_600, passphrase=passphrase)
    assert before - SECOND < sent.expires_at - timedelta(seconds=3_600) < datetime.now(UTC) + SECOND
    message = crypt.read(sent.link, passphrase=passphrase)
    assert message.text == text
    assert [(file.name, file.media_type, file.size, file.read()) for file in message.files] == [
        ("key.bin", "application/octet-stream", 3, b"\x00\x01\xff") for _ in files
    ]


def test_the_second_reader_learns_when_it_was_read(crypt: Client) -> None:
    link = crypt.send("secret").link
    before = datetime.now(UTC)
    crypt.read(link)
    after = datetime.now(UTC)
    with pytest.raises(errors.AlreadyRead) as error:
        crypt.read(link)
    assert before - SECOND < error.value.at < after + SECOND


def test_a_receipt_and_destroying_a_message(crypt: Client) -> None:
    link = crypt.send("secret", reads=2, passphrase="x").link
    receipt = crypt.receipt(link)
    assert (receipt.state, receipt.passphrase, receipt.reads_left, receipt.at) == ("unread", True, 2, None)
    crypt.destroy(link)
    assert crypt.receipt(link).state == "destroyed"
    for action in (lambda: crypt.read(link, passphrase="x"), lambda: crypt.destroy(link)):
        with pytest.raises(errors.Destroyed):
            action()
    with pytest.raises(errors.NotFound):
        crypt.receipt(link[:-22] + "A" * 22)


def test_no_request_tells_a_secret(platform: Platform) -> None:
    listening = Listening(platform)
    with Client(platform.url, transport=listening) as client:
        link = client.send(
            files=[Attachment(b"unmistakable text", "unmistakable name")], passphrase="unmistakable pass"
        ).link
        client.receipt(link)
        with pytest.raises(errors.WrongPassphrase):
            client.read(link, passphrase="unmistakable mistake")
        assert client.read(link, passphrase="unmistakable pass").files[0].read() == b"unmistakable text"
    secret, everything = sealed_link(link)[1], b"\n".join(listening.said)
    contents = ("unmistakable text", "unmistakable name", "unmistakable mistake")
    for writing in spellings.of_message(secret, "unmistakable pass", *contents):
        assert writing not in everything
    assert everything.count(secret.id.encode()) == len(listening.said) == 5


def test_passphrases(crypt: Client) -> None:
    link = crypt.send("secret", passphrase="right").link
    with pytest.raises(errors.PassphraseRequired) as required:
        crypt.read(link)
    with pytest.raises(errors.WrongPassphrase) as wrong:
        crypt.read(link, passphrase="wrong")
    assert (required.value.tries_left, wrong.value.tries_left) == (10, 9)
    assert crypt.read(link, passphrase="right").text == "secret"
    without = crypt.send("secret").link
    with pytest.raises(errors.UnexpectedPassphrase):
        crypt.read(without, passphrase="right")
    assert crypt.read(without).text == "secret"


def test_plain_messages(crypt: Client, platform: Platform) -> None:
    message_id = crypt.create_plain("secret", ttl=60)
    assert crypt.read_plain(message_id) == "secret"
    with pytest.raises(errors.NotFound):
        crypt.read_plain(message_id)
    link = f"{platform.url}/{crypt.create_plain('secret')}"
    with pytest.raises(errors.InvalidLink, match="no receipt"):
        crypt.receipt(link)
    with pytest.raises(errors.UnexpectedPassphrase):
        crypt.read(link, passphrase="x")
    assert crypt.read(link + "/?utm=1").text == "secret"
    for not_an_id in ("", "a", "abc?x", "a/b", "é" * 5):
        with pytest.raises(errors.NotFound):
            crypt.read_plain(not_an_id)
    with pytest.raises(errors.NotFound):
        crypt.destroy(link)
    message_id = crypt.create_plain("secret")
    crypt.destroy_plain(message_id)
    for action in (crypt.read_plain, crypt.destroy_plain):
        with pytest.raises(errors.NotFound):
            action(message_id)


async def test_the_client_for_asyncio_does_the_same(platform: Platform) -> None:
    async with AsyncClient(platform.url, transport=ManyAddressesAsync(platform)) as client:
        sent = await asyncio.gather(*(client.send(f"secret {n}", reads=2) for n in range(10)))
        contents = await asyncio.gather(*(client.read(each.link) for each in sent))
        assert [content.text for content in contents] == [f"secret {n}" for n in range(10)]
        assert (await client.receipt(sent[0].link)).reads_left == 1
        await client.destroy(sent[0].link)
        message_id = await client.create_plain("plain")
        assert await client.read_plain(message_id) == "plain"
        await client.destroy_plain(await client.create_plain("plain"))
        async with client.reading((await client.send("secret")).link) as content:
            assert content.text == "secret"


async def test_asyncio_goes_on_while_a_passphrase_is_stretched(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive, threads = Secret.keys, []

    def note_thread(secret: Secret, passphrase: str | None) -> Keys:
        threads.append(threading.current_thread())
        return derive(secret, passphrase)

    monkeypatch.setattr(Secret, "keys", note_thread)
    async with AsyncClient(platform.url, transport=ManyAddressesAsync(platform)) as client:
        link = (await client.send("secret", passphrase="x")).link
        assert (await client.read(link, passphrase="x")).text == "secret"
    assert len(threads) == 2
    assert threading.main_thread() not in threads


def test_a_refusal_is_an_error_with_the_services_text(crypt: Client) -> None:
    with pytest.raises(errors.Refused, match="Field 'ttl' must be") as refused:
        crypt.send("secret", ttl=1)
    assert refused.value.code == "invalid_field"
    with pytest.raises(errors.ContentTooLarge):
        crypt.send("x" * 102_401)
    with pytest.raises(errors.ContentTooLarge):
        crypt.create_plain("x" * 102_401)


def test_unencrypted_requests_go_through_no_proxy(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Client(platform.url) as client:
        assert client.read_plain(client.create_plain("secret")) == "secret"


def test_text_that_utf8_cannot_write_is_refused(crypt: Client) -> None:
    half = "\ud800"
    files = [Attachment(b"", half)]
    for text, passphrase, attached in ((half, None, []), ("x", half, []), ("", None, files), (half, None, [FILE])):
        with pytest.raises(errors.InvalidText):
            crypt.send(text, files=attached, passphrase=passphrase)
    with pytest.raises(errors.InvalidText) as error:
        crypt.create_plain("secret" + half)
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
