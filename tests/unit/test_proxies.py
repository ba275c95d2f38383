"""Who is believed about a client's address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.proxies import TrustedProxies
from crypt_core.http.types import Request
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
