"""Who is believed about a client's address."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.application import open_application
from crypt_api.server.trusted_proxies import TrustedProxies
from crypt_core.create_tokens import new_token
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from crypt_worker.variables import Variables
from tests.unit.test_app import body

OURS = TrustedProxies.parse("10.0.0.0/8, 127.0.0.1 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),  # a stranger's word
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "203.0.113.5, 198.51.100.1", "198.51.100.1"),  # what the client itself claimed
        ("127.0.0.1", "203.0.113.5, 198.51.100.1, 10.1.2.3", "198.51.100.1"),  # two of our proxies
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, _hidden", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", "[2001:db9::1]:4711", "2001:db9::1"),
        ("127.0.0.1", "2001:db9::1", "2001:db9::1"),
        ("2001:db8::5", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),  # a dual-stack socket's way to say it
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("", "198.51.100.1", ""),  # a Unix socket has no peer
    ],
)
def test_the_nearest_stranger_is_the_client(peer: str, forwarded_for: str, client: str) -> None:
    assert OURS.client(peer, forwarded_for) == client


@given(st.ip_addresses().map(str), st.text())
def test_by_default_nobody_is_believed(peer: str, forwarded_for: str) -> None:
    assert TrustedProxies().client(peer, forwarded_for) == peer


@given(st.text())
def test_no_header_breaks_it(forwarded_for: str) -> None:
    assert OURS.client("127.0.0.1", forwarded_for)


@pytest.mark.parametrize(
    ("peer", "forwarded", "host"),
    [
        ("127.0.0.1", "example.org", "example.org"),
        ("127.0.0.1", "made.up, example.org", "example.org"),
        ("127.0.0.1", "", "localhost"),
        ("192.0.2.1", "example.org", "localhost"),  # a stranger's word
    ],
)
def test_the_host_is_what_a_trusted_proxy_was_asked_for(peer: str, forwarded: str, host: str) -> None:
    headers = {"host": "localhost", "x-forwarded-host": forwarded}
    request = Request("http", "GET", "/", headers, peer, body())
    assert OURS.resolve(request).headers["host"] == host
    assert headers["host"] == "localhost"


TOKEN, LINE = new_token("script")
SIGN_ON = TrustedProxies.parse("127.0.0.1", "X-Auth-Request-Email")


@pytest.mark.parametrize(
    ("peer", "headers", "creator"),
    [
        ("127.0.0.1", {"x-auth-request-email": "alice@example.org"}, "alice@example.org"),
        ("127.0.0.1", {"x-auth-request-email": "alice", "sec-fetch-site": "same-origin"}, "alice"),
        ("127.0.0.1", {"x-auth-request-email": "alice", "authorization": "Bearer x"}, "alice"),
        ("127.0.0.1", {"authorization": f"Bearer {TOKEN}"}, "script"),  # of a program, which cannot sign on
        ("192.0.2.1", {"authorization": f"Bearer {TOKEN}"}, "script"),
        ("192.0.2.1", {"x-auth-request-email": "alice@example.org"}, None),  # a stranger's word
        ("127.0.0.1", {"x-auth-request-email": "mallory, alice"}, None),  # the client's header, and the proxy's
        ("127.0.0.1", {"x-auth-request-email": "alice", "sec-fetch-site": "cross-site"}, None),
        ("127.0.0.1", {"x-auth-request-email": "alice", "sec-fetch-site": "same-site"}, None),
        # Browsers that do not say which site it was: old ones, and all over plain HTTP.
        ("127.0.0.1", {"x-auth-request-email": "alice", "host": "h", "origin": "https://h"}, "alice"),
        ("127.0.0.1", {"x-auth-request-email": "alice", "host": "h", "origin": "https://evil.example"}, None),
        ("127.0.0.1", {"x-auth-request-email": "alice", "host": "h", "origin": "null"}, None),
        ("127.0.0.1", {"x-auth-request-email": ""}, None),
        ("127.0.0.1", {"x-auth-request-email": "\xe9t\xe9"}, None),
        ("127.0.0.1", {"x-auth-request-email": "a" * 255}, None),
        ("127.0.0.1", {"x-auth-request-user": "alice"}, None),
        ("127.0.0.1", {}, None),
    ],
)
async def test_who_has_signed_on_may_send_on_a_proxys_word(
    peer: str, headers: dict[str, str], creator: str | None
) -> None:
    application = open_application({"CRYPT_API_STORE": "memory:"})
    settings = Settings.from_mapping({"CREATE_TOKENS": LINE, "CREATE_HEADER": "X-Auth-Request-Email"})
    content = body(json.dumps({"message": "secret"}).encode())
    request = SIGN_ON.resolve(Request("http", "POST", "/", headers, peer, content))
    response = await App(settings).handle(request, application.store)
    assert (response.status, response.created_by) == ((401, "") if creator is None else (200, creator))


def test_without_a_sign_on_nobody_is_asked_who_they_are() -> None:
    request = Request("http", "POST", "/", {"": "alice", "x-auth-request-email": "alice"}, "127.0.0.1", body())
    assert OURS.resolve(request).user == ""


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"CREATE_HEADER": "X-Auth-Request-Email"}, "CREATE_HEADER needs TRUSTED_PROXIES"),
        ({"CREATE_HEADER": "X Email", "TRUSTED_PROXIES": "127.0.0.1"}, "must be the name of a header, not 'X Email'"),
    ],
)
def test_a_sign_on_that_would_let_nobody_or_everybody_send_does_not_start(
    variables: dict[str, str], problem: str
) -> None:
    values = {f"CRYPT_API_{name}": value for name, value in variables.items()}
    with pytest.raises(SettingsError, match=problem):
        open_application(values | {"CRYPT_API_STORE": "memory:"})


def test_a_worker_refuses_a_sign_on() -> None:
    with pytest.raises(SettingsError, match="CREATE_HEADER is for servers"):
        Variables.from_env(SimpleNamespace(CREATE_HEADER="X-Auth-Request-Email"))


async def test_a_sign_on_alone_lets_nobody_else_send(caplog: pytest.LogCaptureFixture) -> None:
    variables = {"STORE": "memory:", "TRUSTED_PROXIES": "127.0.0.1", "CREATE_HEADER": "X-Auth-Request-Email"}
    application = open_application({f"CRYPT_API_{name}": value for name, value in variables.items()})
    for headers, needs_token in (({"x-auth-request-email": "alice"}, False), ({}, True)):
        request = Request("http", "GET", "/-/limits", headers, "127.0.0.1", body())
        response = await application.answer(application.proxies.resolve(request))
        assert json.loads(response.body)["token"] is needs_token
    assert caplog.text == ""
