"""The pages that the service itself writes: errors for persons, and the operator's own looks on every page."""

import base64
from collections.abc import Mapping

import pytest

from crypt_api.server.stores.memory import MemoryStore
from crypt_core.brand import Brand
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.limits.client_limits import open_limits
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from tests.support.platforms import ROOT
from tests.unit.test_app import body

BROWSER = {"sec-fetch-mode": "navigate"}
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
LOOKS = {
    "SERVICE_NAME": "Otter & <b>Post</b>",
    "OPERATOR": 'Otter\'s "Cooperative"',
    "READER_NOTE": "Call 555 <script>",
    "IMPRINT_URL": "https://example.org/imprint?a=1&b=2",
    "PRIVACY_URL": "https://example.org/privacy",
    "SOURCE_URL": "https://example.org/source",
    "ACCENT_COLOUR": "#7a1fa2",
    "LOGO": "data:image/svg+xml;base64," + base64.b64encode(LOGO).decode(),
}


async def get(app: App, path: str, headers: Mapping[str, str] = BROWSER, method: str = "GET") -> Response:
    return await app.handle(Request("http", method, path, headers, "192.0.2.1", body()), MemoryStore())


async def test_the_operators_looks_are_on_every_page() -> None:
    app = App(Settings.from_mapping(LOOKS))
    for path in ("/", "/abcde", "/a/b"):
        page = (await get(app, path)).body.decode()
        assert '<span id="name">Otter &amp; &lt;b&gt;Post&lt;/b&gt;</span>' in page
        assert 'href="https://example.org/imprint?a=1&amp;b=2"' in page
        assert 'href="https://example.org/privacy"' in page
        assert 'href="https://example.org/source"' in page
        assert '<link rel="apple-touch-icon" href="/-/logo">' in page
        assert '<link rel="stylesheet" href="/-/brand.css">' in page
        assert 'src="/-/logo"' in page
        if path != "/a/b":
            assert "Call 555 &lt;script&gt;" in page
    assert "This service is run by Otter&#x27;s &quot;Cooperative&quot;." in (await get(app, "/abcde")).body.decode()
    assert b"--accent: #7a1fa2" in (await get(app, "/-/brand.css")).body
    logo = await get(app, "/-/logo")
    assert (logo.body, logo.headers["Content-Type"]) == (LOGO, "image/svg+xml")
    assert "default-src 'none'" in logo.headers["Content-Security-Policy"]
    assert (await get(app, "/-/logo")).body is logo.body  # decoded once


async def test_a_service_with_a_colour_and_no_logo_has_the_icon_in_its_colour() -> None:
    app = App(Settings.from_mapping({"ACCENT_COLOUR": "#7a1fa2"}))
    assert 'src="/-/logo"' in (await get(app, "/")).body.decode()
    icon = (ROOT / "crypt_api/static/-/icon.svg").read_text()
    assert (await get(app, "/-/logo")).body.decode() == icon.replace("#0b5a6f", "#7a1fa2") != icon


async def test_without_settings_nothing_is_branded() -> None:
    page = (await get(App(Settings()), "/abcde")).body.decode()
    assert '<span id="name">crypt</span>' in page
    assert "brand.css" not in page
    assert 'data-text="about.operator"' not in page
    assert (await get(App(Settings()), "/-/logo", {})).status == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_NAME", "two\nlines"),
        ("OPERATOR", "x" * 301),
        ("IMPRINT_URL", "http://example.org"),
        ("PRIVACY_URL", 'https://example.org/"onclick='),
        ("SOURCE_URL", "javascript:alert(1)"),
        ("ACCENT_COLOUR", "red"),
        ("ACCENT_COLOUR", "#ffff00"),
        ("LOGO", "https://example.org/logo.svg"),
        ("LOGO", "data:image/png;base64,A"),
        ("LOGO", "data:image/png;base64," + base64.b64encode(bytes(100_001)).decode()),
        ("LOGO", "data:image/png;base64," + "A" * 10_000_000),
    ],
    ids=lambda value: value[:40],
)
def test_looks_that_cannot_be_used_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Brand.from_mapping({name: value})


async def test_a_person_gets_a_page_for_an_error_and_a_program_gets_json() -> None:
    app = App(Settings(), open_limits(Settings()))
    for headers in (BROWSER, BROWSER | {"accept-language": "es"}):
        page = await get(app, "/no.such.id/at/all", headers)
        assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert ("ninguna página" if "accept-language" in headers else "no page here") in page.body.decode()
    assert (await get(app, "/a/b", {})).body == b'{"error": "Not found"}'
    assert (await get(app, "/", BROWSER, "PATCH")).body == b'{"error": "Method not allowed"}'
    assert (await get(app, "/abcde", BROWSER | {"user-agent": "Slackbot"})).headers[
        "Content-Type"
    ] == "application/json; charset=utf-8"
    pages = [await get(app, "/abcde", BROWSER) for _ in range(3)]
    page = pages[-1]
    assert (page.status, page.headers["Retry-After"]) == (429, "1")
    assert "Too many requests" in page.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/k3x9q", "/k3x9q.", "/k3x9q%20", "/k3x9q)", "/k3x9q&utm_source=x", "/k3x9q%3E",
        "/k3x9q/", "/k3x9q//", "//k3x9q", "//k3x9q/", "/k3x9q./", "/k3x9q/.", "/k3x9q/%20", "/k3x9q/&utm_source=x/y",
    ],
)  # fmt: skip
async def test_a_browser_gets_the_reveal_page_of_a_damaged_link(path: str) -> None:
    page = await get(App(Settings()), path)
    assert (page.status, page.route) == (200, "/{id}")
    assert b'action="/k3x9q/reveal"' in page.body
    assert (await get(App(Settings()), path, {})).status == 404
    if path.count("/") > 1:
        assert (await get(App(Settings()), path, {})).body == b'{"error": "Not found"}'
        for method in ("POST", "DELETE", "PUT", "HEAD"):
            assert (await get(App(Settings()), path, BROWSER, method)).status == 404


async def test_a_browser_gets_the_page_that_opens_a_sealed_link_with_two_slashes() -> None:
    page = await get(App(Settings()), "//")
    assert (page.status, page.route, b"/-/main.js" in page.body) == (200, "/", True)
    assert (await get(App(Settings()), "//", {})).body == b'{"error": "Not found"}'


async def test_a_preview_of_a_sealed_link_tells_that_opening_it_is_a_choice() -> None:
    """A chat fetches the link without its fragment, so the page at `/`, as a robot and not as a browser."""
    chat = {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "accept": "*/*"}
    page = (await get(App(Settings.from_mapping(LOOKS)), "/", chat)).body.decode()
    words = "Someone sent you a sealed message. Opening it is your choice."
    assert f'<meta name="description" content="{words}">' in page
    assert f'<meta property="og:description" content="{words}">' in page
    assert '<meta property="og:title" content="Otter &amp; &lt;b&gt;Post&lt;/b&gt;">' in page
    assert (await get(App(Settings()), "/", {"user-agent": "curl/8"})).body.startswith(b"crypt-api: messages that")


@pytest.mark.parametrize("path", ["/k3x9q/x", "/k3x9q/x/", "/a/b", "/-/nothing", "/k3x9q/0.5"])
async def test_other_paths_have_no_page(path: str) -> None:
    assert (await get(App(Settings()), path)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/%23q83vASNFZ4mrze8BI0VniQ", "/%2523q83v", "/q83vASNFZ4mrze8BI0VniQ", "/abcde-vASNFZ4mrze8BI0Q",
        "/%23q83vASNFZ4mrze8BI0VniQ/", "//%23q83vASNFZ4mrze8BI0VniQ", "/q83vASNFZ4mrze8BI0VniQ/",
        "/ask.q83vASNFZ4mrze8BI0VniQ", "/answer.n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", "/%23answer.n4bQgYhMfW",
    ],
)  # fmt: skip
async def test_a_browser_gets_the_page_that_opens_a_misplaced_secret(path: str) -> None:
    page = await get(App(Settings()), path)
    assert (page.status, b"/-/main.js" in page.body) == (200, True)
    assert path.strip("/").encode() not in page.body  # the answer has nothing of the secret
    assert page.route in ("/{id}", "/{sealed_id}")  # nor has the log


async def test_a_program_with_a_proof_gets_no_page() -> None:
    page = await get(App(Settings()), "/" + "A" * 22, {"accept": "text/html", "authorization": f"Bearer {'A' * 43}"})
    assert page.body == b'{"error": "Message not found"}'


def test_the_operator_chooses_the_default_life() -> None:
    settings = Settings.from_mapping({"MAX_TTL": "2592000", "DEFAULT_TTL": "604800"})
    assert (settings.max_ttl, settings.default_ttl) == (2_592_000, 604_800)
    assert Settings(max_ttl=60).default_ttl == 60
