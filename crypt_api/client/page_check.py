"""Whether a service's web pages are, byte for byte, what this version of crypt-api ships.

The operator's settings are read out of the home page. With them the service itself is made again, here and without a
store: each response must be the one that it gives to the same request.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple, NoReturn

import httpx

from crypt_api.client.browser_requests import BROWSERS, PLAIN, Destination, browser_headers
from crypt_api.client.page_settings import settings_in
from crypt_api.page_files import page_files
from crypt_core import ids
from crypt_core.commands import Command
from crypt_core.encoding import SEALED_ID_BYTES, encode_base64url, encode_json
from crypt_core.http.app import App
from crypt_core.http.headers import COMMON_HEADERS
from crypt_core.http.page_texts import LANGUAGES, load_texts
from crypt_core.http.pages import LOGO_PATH, STYLE_PATH
from crypt_core.http.types import Request, Response
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings

EXACT_HEADERS = (
    "content-type",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)
"""What tells a browser how to take the response."""

UNWANTED_HEADERS = (
    "content-security-policy-report-only",
    "link",
    "refresh",
    "service-worker-allowed",
    "sourcemap",
    "speculation-rules",
    "x-sourcemap",
)
"""What makes a browser load something, or tell somebody of it."""

_DESTINATIONS = {"js": Destination.SCRIPT, "css": Destination.STYLE, "svg": Destination.IMAGE}
_FORM_TOKEN = re.compile(rb'(?<=name="token" value=")[\w-]{32}(?=")')
_COOKIE_TOKEN = re.compile(r"(?<=^reveal=)[\w-]{32}(?=;)")

Fetch = Callable[[str, Mapping[str, str]], httpx.Response]
"""Sends a GET for a path, with these headers."""


class Check(NamedTuple):
    """One file or page of the service, and what is wrong with it; empty if it is what this version ships."""

    name: str
    problem: str


def shipped_files() -> dict[str, bytes]:
    """Everything that the page loads, apart from its HTML and the operator's own looks."""
    texts = {f"/-/texts/{code}.json": encode_json(load_texts(code)).encode() for code in LANGUAGES}
    return {file.path: file.content for file in page_files()} | texts


def shipped_hashes() -> dict[str, str]:
    """SHA-256 of each of these files."""
    return {path: sha256(content).hexdigest() for path, content in sorted(shipped_files().items())}


def check_page(fetch: Fetch, scheme: str) -> Iterator[Check]:
    """Fetch each page and all that it loads, as browsers and as a program do, and compare. Nothing is read.

    Raises:
        Unavailable: The service cannot be reached.
    """
    home = fetch("/", browser_headers(Destination.DOCUMENT))
    style = fetch(STYLE_PATH, browser_headers(Destination.STYLE))
    logo = fetch(LOGO_PATH, browser_headers(Destination.IMAGE))
    try:
        service = App(settings_in(_text(home), _text(style), logo))
    except (SettingsError, KeyError, TypeError, ValueError, RecursionError):
        yield Check("/", "is another page")
        service = App(Settings())
    else:
        yield from _check_pages(fetch, scheme, service)
    yield from _check_files(fetch, service)


def _check_pages(fetch: Fetch, scheme: str, service: App) -> Iterator[Check]:
    plain_id, sealed_id = ids.generate(ids.MIN_LENGTH), encode_base64url(secrets.token_bytes(SEALED_ID_BYTES))
    pages = {
        "/": "/",
        "/ID of a plain message": f"/{plain_id}",
        "/ID of a sealed message": f"/{sealed_id}",
        "/no/such/page": f"/{plain_id}/{plain_id}",
    }
    for name, path in pages.items():
        for language in LANGUAGES:
            browsers = BROWSERS if language == next(iter(LANGUAGES)) else BROWSERS[:1]
            requests = [browser_headers(Destination.DOCUMENT, browser, language) for browser in browsers]
            expected = [_answer(service, scheme, path, headers) for headers in requests]
            problem = _first_problem(fetch, path, list(zip(requests, expected, strict=True)), "page")
            yield Check(name if browsers is BROWSERS else f"{name} in {language}", problem)


def _check_files(fetch: Fetch, service: App) -> Iterator[Check]:
    shipped = {
        file.path: Response(200, file.content, {**COMMON_HEADERS, "Content-Type": file.media_type})
        for file in page_files()
    }
    made = [STYLE_PATH, LOGO_PATH, *(f"/-/texts/{code}.json" for code in LANGUAGES)]
    for path in sorted([*shipped, *made]):
        destination = _DESTINATIONS.get(path.rpartition(".")[2], Destination.EMPTY)
        if path == LOGO_PATH:
            destination = Destination.IMAGE
        requests = [*(browser_headers(destination, browser) for browser in BROWSERS), PLAIN]
        expected = [shipped.get(path) or _answer(service, "https", path, headers) for headers in requests]
        yield Check(path, _first_problem(fetch, path, list(zip(requests, expected, strict=True)), "file"))


def _first_problem(fetch: Fetch, path: str, expectations: list[tuple[Mapping[str, str], Response]], kind: str) -> str:
    problems = (_problem(fetch(path, headers), expected, kind) for headers, expected in expectations)
    return next(filter(None, problems), "")


def _problem(response: httpx.Response, expected: Response, kind: str) -> str:
    """Say in which way the response is not the expected one."""
    if response.status_code != expected.status:
        return f"has the status {response.status_code}"
    wanted = httpx.Headers(dict(expected.headers))
    for name in EXACT_HEADERS:
        if response.headers.get(name) != wanted.get(name):
            return f"has another {name}"
    for name in UNWANTED_HEADERS:
        if name in response.headers:
            return f"has the header {name}"
    cookie, wanted_cookie = (
        _COOKIE_TOKEN.sub("", headers.get("set-cookie", "")) for headers in (response.headers, wanted)
    )
    if cookie != wanted_cookie:
        return "has another set-cookie"
    if _FORM_TOKEN.sub(b"", response.content) != _FORM_TOKEN.sub(b"", expected.body):
        return f"is another {kind}"
    return ""


class _NoStore:
    """What is asked here reads no message."""

    async def apply(self, _message_id: str, _command: Command) -> NoReturn:
        raise NotImplementedError


def _answer(service: App, scheme: str, path: str, headers: Mapping[str, str]) -> Response:
    """What this version of the service answers."""
    request = Request(scheme, "GET", path, {name.lower(): value for name, value in headers.items()}, "", _no_body())
    return asyncio.run(service.handle(request, _NoStore()))


def _text(response: httpx.Response) -> str:
    """Every page is in UTF-8, whatever the response says of itself."""
    return response.content.decode(errors="replace")


async def _no_body() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
