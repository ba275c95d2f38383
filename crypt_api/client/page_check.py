"""Whether a service's web page is, byte for byte, what this version of crypt-api ships.

The page's HTML has the operator's settings in it. So they are read out of the HTML, and the page is made again from
them: if it is the same, the HTML has nothing else in it.
"""

import html
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from typing import NamedTuple

import httpx

from crypt_api.page_files import page_files
from crypt_core.brand import Brand
from crypt_core.create_tokens import CreateTokens
from crypt_core.encoding import encode_json
from crypt_core.errors import SettingsError
from crypt_core.http.headers import CONTENT_SECURITY_POLICY
from crypt_core.http.pages import LOGO_PATH, STYLE_PATH, Pages
from crypt_core.http.texts import LANGUAGES, load_texts
from crypt_core.http.types import Request
from crypt_core.settings import Settings

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Sec-Fetch-Mode": "navigate",
}
"""What a browser sends, so that the service does not see that its page is checked."""


class Check(NamedTuple):
    """One file of the page, and what is wrong with it; empty if it is what this version ships."""

    path: str
    problem: str


def shipped_files() -> dict[str, bytes]:
    """Everything that the page loads, apart from its HTML and the operator's own looks."""
    texts = {f"/-/texts/{code}.json": encode_json(load_texts(code)).encode() for code in LANGUAGES}
    return {file.path: file.content for file in page_files()} | texts


def shipped_hashes() -> dict[str, str]:
    """SHA-256 of each of these files."""
    return {path: sha256(content).hexdigest() for path, content in sorted(shipped_files().items())}


def check_page(client: httpx.Client, origin: str) -> Iterator[Check]:
    """Fetch the page and all that it loads, and compare each file.

    Raises:
        httpx.RequestError: The service cannot be reached.
    """
    page = client.get(f"{origin}/", headers=BROWSER)
    yield Check("/", _page_problem(client, origin, page))
    for path, content in sorted(shipped_files().items()):
        response = client.get(origin + path, headers={**BROWSER, "Accept": "*/*", "Sec-Fetch-Mode": "no-cors"})
        yield Check(path, "" if (response.status_code, response.content) == (200, content) else "is another file")


def _page_problem(client: httpx.Client, origin: str, page: httpx.Response) -> str:
    if page.headers.get("content-security-policy") != CONTENT_SECURITY_POLICY:
        return "has another content security policy"
    if {"link", "refresh"} & page.headers.keys():
        return "loads something by its headers"
    try:
        settings = _settings_in(page.text, lambda path: client.get(origin + path, headers=BROWSER))
    except (SettingsError, KeyError, TypeError, ValueError):
        return "is another page"
    request = Request("https", "GET", "/", {"accept-language": "en"}, "", _no_body())
    return "" if Pages(settings).home(request).body == page.content else "is another page"


def _settings_in(page: str, fetch: Callable[[str], httpx.Response]) -> Settings:
    """The operator's settings as the page has them.

    Raises:
        SettingsError: A setting has a value that no operator can give it.
    """

    def value(pattern: str) -> str:
        match = re.search(pattern, page)
        return html.unescape(match[1]) if match else ""

    operator = json.loads(value(r'data-text="about\.operator" data-values="([^"]*)"') or '{"operator": ""}')["operator"]
    colour, logo = "", ""
    if STYLE_PATH in page:
        colour = "".join(re.findall(r"^:root { --accent: (#\w{6});", fetch(STYLE_PATH).text))
    if LOGO_PATH in page:
        picture = fetch(LOGO_PATH)
        logo = f"data:{picture.headers['content-type']};base64,{b64encode(picture.content).decode()}"
    brand = Brand(
        service_name=value(r'<span id="name">([^<]*)</span>'),
        operator=operator,
        reader_note=value(r'<p dir="auto">([^<]*)</p>'),
        imprint_url=value(r'<a href="([^"]*)" rel="noreferrer" data-text="footer\.imprint">'),
        privacy_url=value(r'<a href="([^"]*)" rel="noreferrer" data-text="footer\.privacy">'),
        accent_colour=colour,
        logo=logo,
    )
    return Settings(
        max_ttl=int(value(r'data-max-ttl="(\d+)"')),
        default_ttl=int(value(r'data-default-ttl="(\d+)"')),
        brand=brand,
        create_tokens=CreateTokens() if "data-needs-token" in page else None,
    )


async def _no_body() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
