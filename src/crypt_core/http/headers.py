"""The headers of responses: of every response, of HTML pages (with the CSP), and of the rate limit."""

import math

from crypt_core.limits.rate_limiter import Admission

COMMON_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    # `*` stands for every header but Authorization. The others are named for old browsers, which do not know it.
    "Access-Control-Allow-Headers": "*, Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Expose-Headers": "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""On every response, errors too."""

PREFLIGHT_HEADERS = {"Access-Control-Max-Age": "86400"}
"""Seconds that a browser may remember what CORS allows; no browser remembers for longer than a day."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
"""On every HTML page."""


def rate_limit_headers(admission: Admission) -> dict[str, str]:
    """The tighter policy and what is left of it, as in draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": f'"{admission.policy}";q={admission.limit};w={math.ceil(admission.window)}',
        "RateLimit": f'"{admission.policy}";r={admission.remaining};t={math.ceil(admission.reset)}',
    }
