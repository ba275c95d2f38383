"""What the operator's own proxies say of a client: its address, and who has signed on."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from crypt_core.http.types import Request
from crypt_core.limits.addresses import parse_address
from crypt_core.setting_values import SettingsError, may_have_password, quoted

_HEADER = re.compile(r"[A-Za-z0-9-]+")

_USER = re.compile(r"[!-+\--~]{1,254}")
"""A mail address or a name: visible ASCII. Two headers of one name arrive with a comma between them, and are nobody."""


class TrustedProxies:
    """The operator's own proxies. `X-Forwarded-*` and the header of the sign-on are believed from them alone."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network] = (), user_header: str = "") -> None:
        """`user_header` is the header in which they name who has signed on; empty without a sign-on."""
        self._networks = tuple(networks)
        self._user_header = user_header.lower()

    @classmethod
    def parse(cls, text: str, create_header: str = "") -> "TrustedProxies":
        """Take addresses and networks (CIDR) separated by commas or spaces, and the name of a header.

        Raises:
            SettingsError: One of them is neither, or the header cannot be one, or nobody is there to be believed.
        """
        try:
            networks = [ip_network(part) for part in text.replace(",", " ").split()]
        except ValueError as error:
            reason = "" if may_have_password(text) else f": {error}"
            raise SettingsError(f"TRUSTED_PROXIES must be addresses or networks{reason}") from None
        if create_header and not _HEADER.fullmatch(create_header):
            raise SettingsError(f"CREATE_HEADER must be the name of a header, not {quoted(create_header)}")
        if create_header and not networks:
            raise SettingsError("CREATE_HEADER needs TRUSTED_PROXIES: the header is believed from them alone")
        return cls(networks, create_header)

    def resolve(self, request: Request) -> Request:
        """The request as the proxies tell it: the client's address, who has signed on, and the scheme and the host."""
        if not self._networks or not self.trust(request.client):
            return request
        # Each proxy appends on the right, so the value of the nearest one is the last.
        scheme = request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        client = self.client(request.client, request.headers.get("x-forwarded-for", ""))
        host = request.headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
        return request._replace(
            client=client,
            scheme=scheme if scheme in ("http", "https") else request.scheme,
            headers={**request.headers, "host": host} if host else request.headers,
            user=self._user(request),
        )

    def _user(self, request: Request) -> str:
        user = request.headers.get(self._user_header, "").strip()
        return user if self._user_header and _USER.fullmatch(user) else ""

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the nearest hop that is not one of the operator's proxies.

        Args:
            peer: The other end of the connection.
            forwarded_for: `X-Forwarded-For`. Each proxy appends its own peer on the right, so everything to the left
                of the client's address may be forged by the client.
        """
        client = peer
        for hop in reversed(forwarded_for.split(",")):
            if not self.trust(client):
                break
            address = _address(hop)
            if address is None:
                break
            client = str(address)
        return client

    def trust(self, text: str) -> bool:
        """Whether the address is one of theirs."""
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)
