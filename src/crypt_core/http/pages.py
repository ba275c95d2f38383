"""The HTML pages: one that seals and opens messages, and one behind the link of each plain message.

Behind a link nothing is read until the button is pressed. Scripts, style and icon are static files, which each
platform serves in its own way.
"""

import html
from functools import cache
from importlib.resources import files
from string import Template

from crypt_core.http import form_token
from crypt_core.http.headers import PAGE_HEADERS
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings


def home(settings: Settings) -> Response:
    """The page that seals messages in the browser, and opens messages whose secret is in the link's fragment."""
    page = _template("index.html").substitute(max_ttl=settings.max_ttl)
    return _page(page)


def reveal(request: Request, message_id: str) -> Response:
    """The page with the button. It is the same whether or not there is a message, so it tells nothing."""
    token = form_token.new_token()
    page = _template("reveal.html").substitute(id=message_id, token=token)
    cookie = form_token.cookie(token, message_id, is_secure=request.scheme == "https")
    return _page(page, headers={"Set-Cookie": cookie})


def revealed(message: str) -> Response:
    """The page with the message, for browsers without JavaScript."""
    return _page(_template("revealed.html").substitute(message=html.escape(message).replace("\r", "&#13;")))


def gone() -> Response:
    """The page that says that there is no message."""
    return _page(_template("gone.html").substitute(), status=404)


def _page(page: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, page.encode(), PAGE_HEADERS | (headers or {}))


@cache
def _template(name: str) -> Template:
    return Template((files("crypt_core") / "templates" / name).read_text("utf-8"))
