"""`crypt-api verify`: the pages that a service gives out are those that this version ships, or they are not."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from crypt_api.client.browser_requests import PLAIN
from crypt_api.client.connections import Connections
from crypt_api.client.page_check import check_page
from crypt_api.server.static_files import static_routes
from crypt_api.server.stores.memory import MemoryStore
from crypt_core.brand import Brand
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.settings import Settings
from tests.support import platforms, raw_services
from tests.support.platforms import ROOT, Platform
from tests.support.shell import Shell

LOOKS = (
    "--service-name=Otter & Post",
    '--operator=Otter\'s "Cooperative"',
    "--reader-note=Call 555 <now>",
    "--imprint-url=https://example.org/a?b=1&c=2",
    "--source-url=https://example.org/source",
    "--accent-colour=#7a1fa2",
    "--logo=data:image/svg+xml;base64,PHN2Zy8+",
    "--max-ttl=604800",
    "--rate-limit-per-second=0",
    "--create-tokens=/dev/null",
)


def test_a_page_as_it_is_shipped(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "")
    with platforms.server(tmp_path, *LOOKS) as platform:
        result = shell("verify", platform.url)
        assert result.stderr.startswith(b"Every page and file is the one of crypt-api")
        for name in (b"/", b"/ in ar", b"/ID of a plain message", b"/no/such/page in de", b"/-/envelope.js"):
            assert name + b" is as shipped\n" in result.stdout
    assert b"cannot be reached" in shell("verify", platform.url, code=7).stderr


@pytest.mark.both_platforms
def test_a_page_of_both_platforms_and_without_looks(unlimited_platform: Platform, tmp_path: Path) -> None:
    assert Shell(tmp_path, "")("verify", unlimited_platform.url).stdout


def test_a_service_that_limits_requests_is_waited_for(tmp_path: Path) -> None:
    with platforms.server(tmp_path, "--rate-limit-per-second=10") as platform:
        assert Shell(tmp_path, "")("verify", platform.url).stdout


@pytest.mark.parametrize("answer", [raw_services.compressed, raw_services.large])
def test_a_response_without_end_is_given_up(answer: raw_services.Misbehaviour, tmp_path: Path) -> None:
    with raw_services.raw_service(answer) as url:
        assert b"is not this service" in Shell(tmp_path, "")("verify", url, code=7).stderr


async def _no_body() -> AsyncIterator[bytes]:
    yield b""


class Service:
    """The service in memory, and what somebody who controls it does to its responses."""

    def __init__(self, trick: Callable[[Mapping[str, str], httpx.Response], None]) -> None:
        brand = Brand(service_name="Otter", accent_colour="#7a1fa2", logo="data:image/svg+xml;base64,PHN2Zy8+")
        self._app = App(Settings(brand=brand, max_ttl=604_800), extra_routes=static_routes())
        self._trick = trick
        self.requests: list[tuple[str, Mapping[str, str]]] = []

    def fetch(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        names = {name.lower(): value for name, value in headers.items()}
        self.requests.append((path, names))
        answer = asyncio.run(self._app.handle(Request("https", "GET", path, names, "", _no_body()), MemoryStore()))
        request = httpx.Request("GET", f"https://example.org{path}", headers=names)
        response = httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)
        self._trick(names, response)
        return response


def problems(trick: Callable[[Mapping[str, str], httpx.Response], None]) -> set[str]:
    return {f"{name} {problem}" for name, problem in check_page(Service(trick).fetch, "https") if problem}


def add(response: httpx.Response, data: bytes) -> None:
    response._content = response.content + data  # noqa: SLF001


def replace(response: httpx.Response, old: bytes, new: bytes) -> None:
    assert old in response.content
    response._content = response.content.replace(old, new)  # noqa: SLF001


def at(path: str, change: Callable[[httpx.Response], None], **wanted: str) -> Callable[..., None]:
    """Change the response to requests for the path that have all the wanted headers."""

    def trick(headers: Mapping[str, str], response: httpx.Response) -> None:
        is_wanted = all(value in headers.get(name.replace("_", "-"), "") for name, value in wanted.items())
        if re.fullmatch(path, response.request.url.path) and is_wanted:
            change(response)

    return trick


def status(number: int) -> Callable[[httpx.Response], None]:
    def change(response: httpx.Response) -> None:
        response.status_code = number

    return change


def header(name: str, value: str) -> Callable[[httpx.Response], None]:
    return lambda response: response.headers.update({name: value})


def without(name: str) -> Callable[[httpx.Response], None]:
    def change(response: httpx.Response) -> None:
        del response.headers[name]

    return change


STEALING_STYLE = b'[href^="https://example.org/#a"] { background: url("/-/a") }'
SCRIPT = b'<script src="/-/evil.js"></script>'
PLAIN_ID, SEALED_ID = "/[a-z0-9]{5}", "/[A-Za-z0-9_-]{22}"

TRICKS = {
    "a script that is changed": (at("/-/envelope.js", lambda r: add(r, b"//")), "/-/envelope.js is another file"),
    "a style that reads attributes": (
        at("/-/brand.css", lambda r: add(r, STEALING_STYLE)),
        "/-/brand.css is another file",
    ),
    "a style before the colour": (
        at("/-/brand.css", lambda r: replace(r, b":root {", STEALING_STYLE + b":root {")),
        "/-/brand.css is another file",
    ),
    "a redirect with the right body": (at("/", status(302)), "/ has the status 302"),
    "a redirected script": (at("/-/main.js", status(307)), "/-/main.js has the status 307"),
    "a cached script": (at("/-/main.js", status(203)), "/-/main.js has the status 203"),
    "a script in the page": (
        at("/", lambda r: replace(r, b"<header", SCRIPT + b"<header")),
        "/ is another page",
    ),
    "another language": (
        at("/", lambda r: replace(r, b"<header", SCRIPT + b"<header"), accept_language="pl"),
        "/ in pl is another page",
    ),
    "another language's texts": (at("/-/texts/it.json", lambda r: add(r, b" ")), "/-/texts/it.json is another file"),
    "the reveal page": (
        at(PLAIN_ID, lambda r: replace(r, b"/reveal", b"/-/steal")),
        "/ID of a plain message is another page",
    ),
    "the reveal page in one language": (
        at(PLAIN_ID, lambda r: replace(r, b"<header", SCRIPT + b"<header"), accept_language="ja"),
        "/ID of a plain message in ja is another page",
    ),
    "more than a token in the form": (
        at(PLAIN_ID, lambda r: replace(r, b'name="token" value="', b'name="token" value="x')),
        "/ID of a plain message is another page",
    ),
    "a cookie for all of the service": (
        at(PLAIN_ID, header("Set-Cookie", f"reveal={'a' * 32}; Path=/")),
        "/ID of a plain message has another set-cookie",
    ),
    "the page of a misplaced secret": (
        at(SEALED_ID, lambda r: replace(r, b"<header", SCRIPT + b"<header")),
        "/ID of a sealed message is another page",
    ),
    "an error's page": (
        at("/.*/.*", lambda r: replace(r, b"<h1", SCRIPT + b"<h1"), accept="html"),
        "/no/such/page is another page",
    ),
    "a looser policy": (
        at("/", lambda r: r.headers.update({"Content-Security-Policy": "default-src *"})),
        "/ has another content-security-policy",
    ),
    "no policy on the reveal page": (
        at(PLAIN_ID, without("content-security-policy")),
        "/ID of a plain message has another content-security-policy",
    ),
    "a type that hides a charset": (
        at("/", header("Content-Type", "text/html; charset=utf-7")),
        "/ has another content-type",
    ),
    "a style as a script": (
        at("/-/page.css", header("Content-Type", "text/javascript")),
        "/-/page.css has another content-type",
    ),
    "types that browsers guess": (
        at("/-/page.css", without("x-content-type-options")),
        "/-/page.css has another x-content-type-options",
    ),
    "a page in a frame": (at("/", header("X-Frame-Options", "SAMEORIGIN")), "/ has another x-frame-options"),
    "a link's address for others": (at("/", header("Referrer-Policy", "unsafe-url")), "/ has another referrer-policy"),
    "more by headers": (at("/", header("Link", "</-/evil.css>; rel=stylesheet")), "/ has the header link"),
    "a refresh": (at("/", header("Refresh", "0; url=/-/evil")), "/ has the header refresh"),
    "a wide service worker": (
        at("/-/main.js", header("Service-Worker-Allowed", "/")),
        "/-/main.js has the header service-worker-allowed",
    ),
    "an operator nested without end": (
        at("/", lambda r: add(r, b'<i data-text="about.operator" data-values="%b">' % (b"[" * 100_000))),
        "/ is another page",
    ),
    "an operator that is no text": (
        at("/", lambda r: add(r, b'<i data-text="about.operator" data-values="{&quot;operator&quot;: [1]}">')),
        "/ is another page",
    ),
    "a charset that is no charset": (
        at("/", header("Content-Type", "text/html; charset=hex")),
        "/ has another content-type",
    ),
    "a page that is not UTF-8": (at("/", lambda r: add(r, b"\xff")), "/ is another page"),
    "only for modules": (
        at("/-/main.js", lambda r: add(r, b"//"), sec_fetch_mode="cors"),
        "/-/main.js is another file",
    ),
    "only for styles": (
        at("/-/page.css", lambda r: add(r, b" "), sec_fetch_dest="style"),
        "/-/page.css is another file",
    ),
    "only for images": (at("/-/icon.svg", lambda r: add(r, b" "), accept="image/"), "/-/icon.svg is another file"),
    "only for Chrome": (at("/-/main.js", lambda r: add(r, b"//"), sec_ch_ua="Chrome"), "/-/main.js is another file"),
    "only for Firefox": (at("/", lambda r: add(r, SCRIPT), user_agent="Firefox"), "/ is another page"),
    "only for programs": (at("/-/main.js", lambda r: add(r, b"//"), user_agent="curl"), "/-/main.js is another file"),
}


@pytest.mark.parametrize("name", TRICKS)
def test_a_service_that_steals_is_found_out(name: str) -> None:
    trick, problem = TRICKS[name]
    assert problem in problems(trick)


def test_a_service_that_does_not_is_not() -> None:
    assert problems(lambda _headers, _response: None) == set()


def test_the_requests_look_like_a_browsers() -> None:
    service = Service(lambda _headers, _response: None)
    list(check_page(service.fetch, "https"))
    seen = {
        (headers["sec-fetch-dest"], headers["sec-fetch-mode"], headers["sec-fetch-site"])
        for _, headers in service.requests
        if "sec-fetch-dest" in headers
    }
    assert seen == {
        ("document", "navigate", "none"),
        ("script", "cors", "same-origin"),
        ("style", "no-cors", "same-origin"),
        ("image", "no-cors", "same-origin"),
        ("empty", "cors", "same-origin"),
    }


def test_the_languages_are_written_as_browsers_write_them() -> None:
    service = Service(lambda _headers, _response: None)
    list(check_page(service.fetch, "https"))
    languages = {headers["accept-language"] for _, headers in service.requests if "sec-fetch-dest" in headers}
    assert {"en-US,en;q=0.5", "en-US,en;q=0.9", "de,en-US;q=0.7,en;q=0.3"} <= languages


def test_what_follows_a_compressed_file_is_seen() -> None:
    """Some programs read on where the compressed file has ended."""
    content = gzip.compress(b"as shipped") + gzip.compress(b"and more")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content)
    service = raw_services.raw_service(lambda connection, _: connection.sendall(head + content))
    with service as url, closing(Connections()) as connections:
        assert connections.get(url, PLAIN).content != b"as shipped"


def test_the_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    lines = Shell(tmp_path, "")("verify", "--hashes").stdout.decode().splitlines()
    hashes = {path: digest for digest, path in (line.split("  ") for line in lines)}
    for path in (ROOT / "crypt_api/static/-").glob("*.*"):
        assert hashes[f"/-/{path.name}"] == sha256(path.read_bytes()).hexdigest()
