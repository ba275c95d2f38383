"""The pages for people whose browser follows a link to a plain message: nothing is read until they press a button."""

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

COOKIE = "reveal"
MAX_FORM_BYTES = 1_024

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

_ASSETS = {
    "/-/reveal.js": ("reveal.js.txt", "text/javascript; charset=utf-8"),
    "/-/reveal.css": ("reveal.css.txt", "text/css; charset=utf-8"),
    "/-/icon.svg": ("icon.svg.txt", "image/svg+xml"),
}
"""By path. The Worker's bundle takes no .js, .css and .svg; hence the names."""

ASSET_PATHS = tuple(_ASSETS)


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


async def asset(request: Request) -> Response:
    name, content_type = _ASSETS[request.path]
    return Response(200, _text(name).encode(), {"Content-Type": content_type})


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
