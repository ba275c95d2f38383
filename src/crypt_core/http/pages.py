"""The HTML pages: one that seals and opens messages, one behind the link of each plain message, and those of errors.

Behind a link nothing is read until the button is pressed. Each page is in the language that the browser prefers.
Scripts, style and icon are static files, which each platform serves in its own way.
"""

import html
import json
from functools import cache
from importlib.resources import files
from string import Template

from crypt_core.brand import Brand
from crypt_core.http import errors, form_token
from crypt_core.http.headers import PAGE_HEADERS
from crypt_core.http.page_texts import LANGUAGES, RIGHT_TO_LEFT, Texts, as_json, language_for, load_texts
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings

LOGO_PATH = "/-/logo"
STYLE_PATH = "/-/brand.css"

_ERRORS: dict[type[errors.ApiError], str] = {
    errors.MessageNotFound: "gone.plain",
    errors.RouteNotFound: "error.route",
    errors.MethodNotAllowed: "error.route",  # the address that a form without JavaScript leaves behind
    errors.CrossSiteRefused: "error.cross-site",
    errors.FormTokenRefused: "error.form-token",
    errors.RateLimited: "error.busy",
    errors.ServiceUnavailable: "error.unavailable",
    errors.ApiError: "error.internal",
}
"""The errors that a person can meet by following a link, and the keys of their texts."""


class _Page(Template):
    """A template with values such as `$id`, and texts such as `${plain.title}`."""

    braceidpattern = r"[a-z][a-z0-9.-]*"


class Pages:
    """Makes the pages, with the operator's name, logo, colour and links on each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def home(self, request: Request) -> Response:
        """The page that seals messages in the browser, and opens messages whose secret is in the link's fragment."""
        settings = self._settings
        return self._page(
            request,
            "index.html",
            max_ttl=settings.max_ttl,
            default_ttl=settings.default_ttl,
            needs_token="" if settings.create_tokens is None or request.user else "data-needs-token",
            notifies="" if settings.webhook is None else "data-notify",
        )

    def reveal(self, request: Request, message_id: str) -> Response:
        """The page with the button. It is the same whether or not there is a message, so it tells nothing."""
        token = form_token.token_for(request)
        cookie = form_token.cookie(token, message_id, is_secure=request.scheme == "https")
        return self._page(request, "reveal.html", headers={"Set-Cookie": cookie}, id=message_id, token=token)

    def revealed(self, request: Request, message: str) -> Response:
        """The page with the message, for browsers without JavaScript."""
        return self._page(request, "revealed.html", message=html.escape(message).replace("\r", "&#13;"))

    def error(self, request: Request, reason: errors.ApiError) -> Response | None:
        """The page of an error that a person can meet; None for the other errors."""
        key = _ERRORS.get(type(reason))
        if key is None:
            return None
        texts = load_texts(language_for(request.headers))
        title, lede = (html.escape(str(texts[f"{key}.{part}"])) for part in ("title", "lede"))
        return self._page(request, "error.html", reason.status, dict(reason.headers), title=title, lede=lede)

    def _page(
        self, request: Request, name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object
    ) -> Response:
        """Fill the template `name`, within the frame of all pages."""
        language = language_for(request.headers)
        known = {**_in(language), **_branded(self._settings.brand, load_texts(language)), **values}
        for part in ("bar", "icons", "gone"):
            known[part] = _template(f"{part}.html").substitute(known)
        known["page"] = _template(name).substitute(known)
        page = _template("frame.html").substitute(known)
        return Response(status, page.encode(), PAGE_HEADERS | (headers or {}))


def _branded(brand: Brand, texts: Texts) -> dict[str, str]:
    """The parts of pages that are the operator's own; empty where the operator has set nothing."""
    values = html.escape(json.dumps({"operator": brand.operator}))
    operator = html.escape(str(texts["about.operator"]).replace("{operator}", brand.operator))
    addresses = {
        "footer.imprint": brand.imprint_url,
        "footer.privacy": brand.privacy_url,
        "footer.source": brand.source_url,
    }
    links = [
        f' <a href="{html.escape(address)}" rel="noreferrer" data-text="{key}">{html.escape(str(texts[key]))}</a>'
        for key, address in addresses.items()
        if address
    ]
    return {
        "name": html.escape(brand.service_name),
        "logo": LOGO_PATH if brand.has_picture else "/-/icon.svg",
        "touch_icon": LOGO_PATH if brand.logo else "/-/touch-icon.png",
        "style": f'<link rel="stylesheet" href="{STYLE_PATH}">' if brand.accent_colour else "",
        "operator": f'<p data-text="about.operator" data-values="{values}">{operator}</p>' if brand.operator else "",
        "note": f'<p dir="auto">{html.escape(brand.reader_note)}</p>' if brand.reader_note else "",
        "links": f"<p>{''.join(links)}</p>" if links else "",
    }


@cache
def _in(language: str) -> dict[str, object]:
    """What all pages in a language have: its texts, for the templates and the scripts, and the list of languages."""
    texts = load_texts(language)
    choices = (
        f'<option value="{code}"{" selected" if code == language else ""}>{name}</option>'
        for code, name in LANGUAGES.items()
    )
    return {
        **{key: html.escape(text) for key, text in texts.items() if isinstance(text, str)},
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "languages": "".join(choices),
        "texts": as_json(texts),
    }


@cache
def _template(name: str) -> _Page:
    return _Page((files("crypt_core") / "templates" / name).read_text("utf-8"))
