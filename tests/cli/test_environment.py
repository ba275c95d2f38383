"""The environment's proxies, certificates and secrets: used as they are meant, or refused with their name."""

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from crypt_api import AsyncClient, Client, errors
from crypt_api.client.environment import proxy_for, trusted_certificates
from crypt_api.client.limits import current_exchange
from tests.support.platforms import Platform
from tests.support.services import free_port
from tests.support.shell import Shell

SECRET = "#" + "A" * 22
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in (*PROXY_VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
            monkeypatch.delenv(name)


def blocking(url: str) -> None:
    pauses: list[float] = []
    with Client(url, sleep=pauses.append) as client:
        client.receipt(f"{url}/{SECRET}")


def with_asyncio(url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(url) as client:
            await client.receipt(f"{url}/{SECRET}")

    asyncio.run(ask())


CLIENTS = pytest.mark.parametrize("ask", [blocking, with_asyncio])
UNUSABLE = [
    ("ALL_PROXY", "socks4://127.0.0.1:9"),
    ("https_proxy", "http://"),
    ("HTTPS_PROXY", "http://user:unmistakable@[::1"),
    ("HTTPS_PROXY", "http://127.0.0.1:99999"),
    ("HTTPS_PROXY", "http://a..example.org"),
    ("HTTPS_PROXY", f"http://{'a' * 64}.example.org"),
    ("HTTPS_PROXY", "http://user:12#unmistakable@127.0.0.1:9"),
    ("HTTPS_PROXY", "http://user:12/unmistakable@127.0.0.1:9"),
    ("HTTPS_PROXY", "http://user:12?unmistakable@127.0.0.1:9"),
    ("SSL_CERT_FILE", "/not/there.pem"),
    ("SSL_CERT_FILE", "/dev/null"),
    ("SSL_CERT_DIR", "/not/there"),
    ("SSL_CERT_DIR", "/not/there:/nor/there"),
    ("SSLKEYLOGFILE", "/not/there/keys"),
]


@CLIENTS
@pytest.mark.parametrize(("name", "value"), UNUSABLE)
def test_a_variable_that_cannot_be_used_is_named(
    ask: Callable[[str], None], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.InvalidEnvironment, match=f"^{name} ") as raised:
        ask("https://example.invalid")
    assert "unmistakable" not in str(raised.value)


def test_the_variable_is_named_as_it_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "socks4://127.0.0.1:9")
    with pytest.raises(errors.InvalidEnvironment, match=r"^https_proxy .*percent-encoded"):
        blocking("https://example.invalid")


def test_one_folder_of_certificates_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", f"/not/there:{tmp_path}")
    assert trusted_certificates().cert_store_stats()["x509"] == 0


@CLIENTS
@pytest.mark.parametrize(
    ("name", "value"),
    [*UNUSABLE, ("ALL_PROXY", "socks5://127.0.0.1:9"), ("NO_PROXY", "[::1]"), ("NO_PROXY", "fd07::/64")],
)
def test_none_of_them_matters_on_this_machine(
    ask: Callable[[str], None], name: str, value: str, monkeypatch: pytest.MonkeyPatch, unlimited_server: Platform
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.NotFound):
        ask(unlimited_server.url)


def test_the_command_says_it_in_a_sentence(tmp_path: Path, unlimited_server: Platform) -> None:
    shell = Shell(tmp_path, unlimited_server.url)
    elsewhere = "https://example.invalid"
    for name, value in (("ALL_PROXY", "socks4://x"), ("SSL_CERT_FILE", "/not/there.pem")):
        for arguments in (["status", f"{elsewhere}/{SECRET}"], ["verify", elsewhere]):
            assert f"Error: {name} ".encode() in shell(*arguments, code=2, env={name: value}).stderr
    env = {"ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": "fd07::/64,[::1]"}
    assert b"A message lives 1m to 24h here." in shell("send", "x", "--ttl", "7d", code=6, env=env).stderr
    assert shell("verify", unlimited_server.url, env=env).stdout


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://example.org", "http://proxy.example.org:3128"),
        ("http://127.0.0.9", None),
        ("http://localhost:8787", None),
        ("https://[::1]:8443", None),
        ("https://localhost.", None),
        ("https://crypt.localhost", None),
        ("https://notlocalhost", "http://proxy.example.org:3128"),
        ("https://[::ffff:127.0.0.1]", None),
        ("https://192.0.2.3:8443", None),
        ("https://192.0.2.3", "http://proxy.example.org:3128"),
        ("https://[2001:db8::8]:8443", None),
        ("https://[2001:db8::8]", "http://proxy.example.org:3128"),
        ("https://[fd07::1]", None),
        ("https://[fd08::1]", "http://proxy.example.org:3128"),
        ("https://10.1.2.3", None),
        ("https://[2001:db8::7]", None),
        ("https://direct.example.org", None),
        ("https://a.direct.example.org", None),
        ("https://8.direct.example.net:8443", None),
        ("https://8.direct.example.net", "http://proxy.example.org:3128"),
    ],
)
def test_which_addresses_are_reached_through_the_proxy(
    url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example.org:3128\n")
    monkeypatch.setenv(
        "NO_PROXY",
        "fd07::/64, 10.0.0.0/8,[2001:db8::7],.direct.example.org,8.direct.example.net:8443,not an entry,"
        "192.0.2.3:8443,[2001:db8::8]:8443",
    )
    found = proxy_for(httpx.URL(url))
    assert (found and found.url) == proxy
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for(httpx.URL(url)) is None


@CLIENTS
def test_the_variable_of_a_proxy_that_does_not_answer_is_named(
    ask: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:unmistakable@127.0.0.1:{free_port()}")
    with pytest.raises(errors.Unavailable, match=r"\. https_proxy names the proxy on the way\.$") as raised:
        ask("https://example.invalid")
    assert "unmistakable" not in str(raised.value)


def test_nothing_of_a_request_stays_behind(unlimited_server: Platform) -> None:
    """A context variable has the request and its response, for the connection's deadlines."""
    with pytest.raises(errors.NotFound):
        blocking(unlimited_server.url)
    assert current_exchange.get(None) is None


@CLIENTS
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socks_proxy_is_asked(ask: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def refuse(listener: socket.socket) -> None:
        for _ in range(4):
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(100))
                connection.sendall(b"\x05\xff")  # no way to authenticate suits

    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with pytest.raises(errors.Unavailable) as raised:
            ask("https://example.invalid")
        thread.join()
    assert type(raised.value) is errors.Unavailable  # nothing was sent to the service
    del raised
    gc.collect()  # httpcore leaves a connection to a proxy that refuses to the garbage collector
    assert asked == [b"\x05\x01\x00"] * 4


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """The address of a server with a certificate that it signed itself, and a list with an item for each connection."""
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "certificate.pem"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", *options, *names], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603, S607
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    connections: list[int] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(1)
            try:
                with context.wrap_socket(connection, server_side=True) as stream:
                    stream.recv(65_536)
                    stream.sendall(b'HTTP/1.1 404 x\r\nContent-Length: 30\r\n\r\n{"error": "Message not found"}')
            except OSError:
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}", connections
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@CLIENTS
def test_a_certificate_that_is_not_trusted_is_said_to_be_so_and_once(
    ask: Callable[[str], None], untrusted: tuple[str, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, connections = untrusted
    with pytest.raises(errors.UntrustedCertificate, match=r"has a certificate that is not trusted here .*self-signed"):
        ask(url)
    assert len(connections) == 1
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with pytest.raises(errors.NotFound):
        ask(url)


def test_the_command_says_what_to_do_about_a_certificate(untrusted: tuple[str, list[int]], tmp_path: Path) -> None:
    url, _ = untrusted
    for arguments in (["status", f"{url}/{SECRET}"], ["verify", url]):
        said = Shell(tmp_path, url)(*arguments, code=7).stderr.decode()
        assert "not trusted" in said
        assert "SSL_CERT_FILE" in said


@CLIENTS
@pytest.mark.parametrize("host", ["a" * 64 + ".org", "a..org", "example.org:99999"])
def test_an_address_that_cannot_be_is_refused(ask: Callable[[str], None], host: str) -> None:
    with pytest.raises(errors.InvalidLink, match="not a web address"):
        ask(f"https://{host}")


@pytest.mark.parametrize("token", ["a b", "a\nb", "é", "\x00"])
def test_a_token_that_is_no_token_is_refused_before_it_is_sent(token: str) -> None:
    with Client("http://127.0.0.1:9", token=token) as client, pytest.raises(errors.InvalidText, match="token"):
        client.send("x")
