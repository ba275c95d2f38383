"""Addresses: how they are parsed, and which ones count as one client."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

MAX_ADDRESS_LENGTH = 64
"""Characters of a text that is counted although it is no address; the longest address has 45."""


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; None if `text` is no address. An IPv4 client of a dual-stack socket gives an IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_groups(text: str) -> tuple[str, ...]:
    """The groups that an address counts for: the client, and in IPv6 the network that the client is in.

    An IPv6 client is its /64, since one household has 2^64 addresses. Its network is its /48, since one site has 65,536
    such clients.
    """
    return _groups(text[:MAX_ADDRESS_LENGTH])


@lru_cache(maxsize=1_000)  # a client makes several requests, and each is counted in several ways
def _groups(text: str) -> tuple[str, ...]:
    address = parse_address(text)
    if address is None:
        return (text,)
    if isinstance(address, IPv6Address):
        prefix = address.packed.hex(":", 2)
        return (prefix[:19] + "/64", prefix[:14] + "/48")
    return (str(address),)


def client_group(text: str) -> str:
    """The group that counts as one client."""
    return client_groups(text)[0]
