"""The Worker's rate limit: who a client is to Cloudflare, and the limiter of one isolate.

A client whose requests reach several isolates has the limit in each of them.
"""

from collections.abc import Mapping

from crypt_core.limits.rate_limiter import RateLimiter, open_limiter
from crypt_core.settings import Settings


def client_address(headers: Mapping[str, str]) -> str:
    """The client's address, which Cloudflare sets; no client can set this header."""
    return headers.get("cf-connecting-ip", "")


def isolate_limiter(settings: Settings) -> RateLimiter | None:
    """The limiter of this isolate, which lives as long as its application; None if the settings switch it off."""
    return open_limiter(settings)
