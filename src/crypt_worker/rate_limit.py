"""The Worker's rate limit: who a client is to Cloudflare, and the limiter of one isolate.

A client whose requests reach several isolates has the limit in each of them.
"""

from collections.abc import Mapping

from crypt_core.limits.client_limits import ClientLimits, open_limits
from crypt_core.settings import Settings


def client_address(headers: Mapping[str, str]) -> str:
    """The client's address, which Cloudflare sets; no client can set this header."""
    return headers.get("cf-connecting-ip", "")


def isolate_limits(settings: Settings) -> ClientLimits | None:
    """The limits of this isolate, which live as long as its application; None if the settings switch them off."""
    return open_limits(settings)
