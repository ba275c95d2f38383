"""What the environment says of connections: which proxy to use, and which certificates to trust.

httpx would read the environment itself. It fails for some values without saying which variable has them, and does so
even for services on this machine.
"""

import os
import re
import ssl
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from crypt_api.client.errors import InvalidEnvironment


@dataclass(frozen=True)
class Proxy:
    """A proxy of the environment.

    Attributes:
        url: Its address, with its password if it has one.
        variable: The name of the variable that has the address.
    """

    url: str = field(repr=False)
    variable: str


def proxy_for(url: httpx.URL) -> Proxy | None:
    """Give the proxy for requests to `url`; None if they go there directly.

    Raises:
        InvalidEnvironment: A variable does not name a proxy.
    """
    proxies = getproxies()
    kind = url.scheme if proxies.get(url.scheme) else "all"
    if not proxies.get(kind) or _is_direct(url, proxies.get("no", "")):
        return None
    address = proxies[kind].strip()
    proxy = Proxy(address if "://" in address else f"http://{address}", _variable(f"{kind}_proxy"))
    if not _is_proxy(proxy.url):  # the value is not shown: it may have a password
        raise InvalidEnvironment(
            f"{proxy.variable} has no address of a proxy, such as http://proxy.example.org:3128 or "
            "socks5://proxy.example.org:1080. Special characters of a password are percent-encoded."
        )
    return proxy


def trusted_certificates() -> ssl.SSLContext:
    """Trust the certificates that `SSL_CERT_FILE` or `SSL_CERT_DIR` name, or else the usual ones.

    Raises:
        InvalidEnvironment: A variable names a file that cannot be used.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    # Python writes the keys of TLS into the last one.
    name = "SSL_CERT_FILE" if file else "SSL_CERT_DIR" if folder else "SSLKEYLOGFILE"
    if name == "SSL_CERT_DIR" and not any(Path(path).is_dir() for path in (folder or "").split(os.pathsep)):
        raise InvalidEnvironment("SSL_CERT_DIR names no folder.")
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
        return httpx.create_ssl_context()
    except OSError as error:
        if error.filename:
            name = "SSLKEYLOGFILE"
        raise InvalidEnvironment(f"{name} names a file that cannot be used ({error.strerror or error}).") from None


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, to which no proxy leads."""
    address = _address(host)
    if address is None:
        return f".{host.removesuffix('.')}".endswith(".localhost")  # all these names are this machine's (RFC 6761)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_direct(url: httpx.URL, exceptions: str) -> bool:
    """Whether the host is an exception to the use of proxies: by name, by address, or by network."""
    if is_loopback(url.host):
        return True
    if proxy_bypass(url.netloc.decode()):
        return True
    address = _address(url.host)
    if address is None:
        return False
    networks = (_network(entry.strip()) for entry in exceptions.split(","))
    return "*" in exceptions.split(",") or any(network is not None and address in network for network in networks)


def _is_proxy(address: str) -> bool:
    try:
        url = urlsplit(address)
        httpx.Proxy(address)
        (url.hostname or "").encode("idna")  # a label of a name has 1 to 63 characters
        # An unencoded # or / in a password would make the host of what stands before it.
        is_whole = not (url.path.strip("/") or url.query or url.fragment)
        return is_whole and bool(re.fullmatch(r"[\w.:-]+", url.hostname or "")) and url.port != 0
    except (ValueError, httpx.InvalidURL):
        return False


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None


def _variable(name: str) -> str:
    """Find the variable's name as the environment spells it. Of two spellings, the one in small letters counts."""
    spellings = sorted((spelt for spelt in os.environ if spelt.lower() == name), reverse=True)
    return next(iter(spellings), "The system's proxy setting")
