"""The token that ties the form of the reveal page to the browser that got the page.

The form carries the token, and so does a cookie. Another site can make a browser send the form, but can neither read
nor set the cookie of this site.
"""

import secrets
from hmac import compare_digest
from urllib.parse import parse_qs

from crypt_core.http.body import read_body
from crypt_core.http.errors import CrossSiteRefused, MessageTooLarge
from crypt_core.http.types import Request

COOKIE = "reveal"
MAX_COOKIE_HEADER_LENGTH = 8_192
"""Characters. Browsers keep at most 4,096 for one cookie."""

MAX_FORM_BYTES = 1_024
LIFE_SECONDS = 86_400
"""How long the page's button works: a message lives no longer by default."""


def new_token() -> str:
    return secrets.token_urlsafe(24)


def cookie(token: str, message_id: str, *, is_secure: bool) -> str:
    """The `Set-Cookie` header that gives the token to the browser, for the form of this message only."""
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={token}; Path=/{message_id}/reveal; Max-Age={LIFE_SECONDS}; HttpOnly; SameSite=Strict{secure}"


async def check_form(request: Request) -> None:
    """Accept the form only from the browser that got the page.

    Raises:
        CrossSiteRefused: The form comes from another site.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or _has_other_origin(request):
        raise CrossSiteRefused
    try:
        form = parse_qs((await read_body(request.body, request.headers, MAX_FORM_BYTES)).decode())
    except (UnicodeDecodeError, MessageTooLarge, ValueError):
        raise CrossSiteRefused from None
    token = form.get("token", [""])[0].encode()
    expected = _cookie_value(request.headers.get("cookie", "")).encode("latin-1", "replace")
    if not token or not compare_digest(token, expected):
        raise CrossSiteRefused


def _has_other_origin(request: Request) -> bool:
    """Whether the browser names another site as the form's origin.

    `null` is what `Referrer-Policy: no-referrer` makes of this service's own origin. The scheme is not compared: a
    proxy may have ended TLS without saying so.
    """
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.headers.get("host", "")


def _cookie_value(header: str) -> str:
    """The token in `Cookie`; empty if the header has none, or is longer than a browser's.

    `http.cookies` is not used: its quoting rules take quadratic time in Python 3.11.7, and a token needs none of them.
    """
    if len(header) > MAX_COOKIE_HEADER_LENGTH:
        return ""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")
