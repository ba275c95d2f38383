"""The pages for people: one that seals and opens messages, and one behind each plain message's link.

Behind a link nothing is read until a button is pressed. Scripts, style and icon are static files, which each home
serves in its own way.
"""

import html
import secrets
from functools import cache
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from string import Template
from urllib.parse import parse_qs

from crypt_core.body import read_body
from crypt_core.errors import CrossSiteRefused, MessageTooLarge
from crypt_core.http import Request, Response
from crypt_core.settings import Settings

COOKIE = "reveal"
MAX_FORM_BYTES = 1_024

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def home(settings: Settings) -> Response:
    """The page that seals messages in the browser, and opens those in whose link's fragment the secret is."""
    page = Template(_text("index.html")).substitute(max_ttl=settings.max_ttl)
    return Response(200, page.encode(), dict(_HEADERS))


def reveal(request: Request, message_id: str) -> Response:
    """The page with the button. It is the same whether or not there is a message, so it tells nothing.

    Its form carries a token that a cookie carries, too: another site can make a browser send the form, but
    neither read nor set the cookie of this one.
    """
    token = secrets.token_urlsafe(24)
    secure = "; Secure" if request.scheme == "https" else ""
    cookie = f"{COOKIE}={token}; Path=/{message_id}/reveal; Max-Age=86400; HttpOnly; SameSite=Strict{secure}"
    page = Template(_text("reveal.html")).substitute(id=message_id, token=token)
    return Response(200, page.encode(), {**_HEADERS, "Set-Cookie": cookie})


def revealed(message: str) -> Response:
    page = Template(_text("revealed.html")).substitute(message=html.escape(message).replace("\r", "&#13;"))
    return Response(200, page.encode(), dict(_HEADERS))


def gone() -> Response:
    return Response(404, _text("gone.html").encode(), dict(_HEADERS))


async def check_form(request: Request) -> None:
    """Take the form only from the page that `reveal` gave to this browser.

    Raises:
        CrossSiteRefused: It comes from elsewhere.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise CrossSiteRefused
    try:
        form = parse_qs((await read_body(request.body, request.headers, MAX_FORM_BYTES)).decode())
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except (UnicodeDecodeError, CookieError, MessageTooLarge, ValueError):
        raise CrossSiteRefused from None
    token = form.get("token", [""])[0].encode()
    if cookie is None or not token or not compare_digest(token, cookie.value.encode()):
        raise CrossSiteRefused


@cache
def _text(name: str) -> str:
    return (files("crypt_core") / "web" / name).read_text("utf-8")
