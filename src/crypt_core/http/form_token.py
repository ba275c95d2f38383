"""Whether the form that reveals a message comes from this service's own page, and not from another site.

Most browsers say so themselves, in `Sec-Fetch-Site`. Older ones, and all of them over plain HTTP, do not. For those, a
script's request names its origin; and the form carries a token that a cookie carries, too: another site can make a
browser send the form, but can neither read nor set the cookie of this site. The cookie counts whatever the origin is:
a proxy may have changed the `Host` that the origin is compared with, and another site could leave its origin out.
"""

import re
import secrets
from hmac import compare_digest
from urllib.parse import parse_qs

from crypt_core.http.body import read_body
from crypt_core.http.errors import CrossSiteRefused, FormTokenRefused, MessageTooLarge
from crypt_core.http.origins import is_own_origin
from crypt_core.http.types import Request

COOKIE = "reveal"
MAX_COOKIE_HEADER_LENGTH = 8_192
"""Characters. Browsers keep at most 4,096 for one cookie."""

MAX_FORM_BYTES = 1_024
LIFE_SECONDS = 86_400
"""How long the page's button works: a message lives no longer by default."""

_CHANGED_HOST = "If the service's own page sent this, a proxy changes Host: keep Host, or send X-Forwarded-Host."

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def token_for(request: Request) -> str:
    """Give the token for a page. A browser that has one keeps it, so that the button works in each of its tabs."""
    token = _cookie_value(request.headers.get("cookie", ""))
    return token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(24)


def cookie(token: str, message_id: str, *, is_secure: bool) -> str:
    """The `Set-Cookie` header that gives the token to the browser, for the pages of this message only."""
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={token}; Path=/{message_id}; Max-Age={LIFE_SECONDS}; HttpOnly; SameSite=Strict{secure}"


async def check_form(request: Request) -> None:
    """Accept the form only from this service's own page, and only whole.

    Raises:
        CrossSiteRefused: The form comes from another site.
        FormTokenRefused: The browser does not say where the form comes from, and has not sent the page's cookie.
    """
    token = await _form_token(request)
    site = request.headers.get("sec-fetch-site") or "none"  # a browser says `none` if no page asked for the request
    origin = request.headers.get("origin") or "null"  # which is what `Referrer-Policy: no-referrer` makes of a form's
    if site == "same-origin":
        return
    if site != "none":
        raise CrossSiteRefused
    if origin != "null" and is_own_origin(request, origin):
        return
    expected = _cookie_value(request.headers.get("cookie", "")).encode("latin-1", "replace")
    if not token or not compare_digest(token, expected):
        raise FormTokenRefused() if origin == "null" else CrossSiteRefused(_CHANGED_HOST)


async def _form_token(request: Request) -> bytes:
    """The token in the form; empty if there is none."""
    try:
        form = parse_qs((await read_body(request.body, request.headers, MAX_FORM_BYTES)).decode())
    except (UnicodeDecodeError, MessageTooLarge, ValueError):
        return b""
    return form.get("token", [""])[0].encode()


def _cookie_value(header: str) -> str:
    """The token in `Cookie`; empty if the header has none, or is longer than a browser's.

    `http.cookies` is not used: its quoting rules take quadratic time in Python 3.11.7, and a token needs none of them.
    """
    if len(header) > MAX_COOKIE_HEADER_LENGTH:
        return ""
    # In HTTP/2, each cookie may come in a header of its own; workerd joins headers of one name by commas.
    pairs = (pair.strip().partition("=") for pair in re.split("[;,]", header))
    return next((value for name, _, value in pairs if name == COOKIE), "")
