"""The page itself, over HTTP: who gets it, with which headers, and the files that it is made of."""

import httpx
import pytest

from crypt_core.http.headers import COMMON_HEADERS
from tests.support.browser_headers import BROWSER_ACCEPT
from tests.support.platforms import ROOT

WEB = ROOT / "crypt_api/static"

FILES = sorted(str(path.relative_to(WEB)) for path in WEB.rglob("*") if path.suffix)

MEDIA_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


@pytest.mark.parametrize("headers", [{"Accept": BROWSER_ACCEPT}, {"Sec-Fetch-Mode": "navigate"}])
def test_a_browser_gets_the_page(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.get("/", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers.items() >= {name.lower(): value for name, value in COMMON_HEADERS.items()}.items()
    policy = answer.headers["content-security-policy"]
    for directive in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert directive in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy
    assert client.head("/", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"User-Agent": "curl/8.5.0", "Accept": "*/*"}, {"Sec-Fetch-Mode": "cors"}])
def test_everything_else_gets_help(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.get("/", headers=headers)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'curl -d \'{{"message": "the key is under the mat"}}\' {client.base_url}' in answer.text


@pytest.mark.parametrize("file", FILES)
def test_both_platforms_serve_the_files_alike(client: httpx.Client, file: str) -> None:
    answer = client.get("/" + file)
    assert answer.status_code == 200
    assert answer.content == (WEB / file).read_bytes()
    assert answer.headers["content-type"] == MEDIA_TYPES[file.rpartition(".")[2]]
    assert answer.headers.items() >= {name.lower(): value for name, value in COMMON_HEADERS.items()}.items()
    assert client.head("/" + file).status_code == 200
    assert client.post("/" + file).status_code == 405


@pytest.mark.parametrize(
    "path", ["/-/", "/-", "/_headers", "/-/../_headers", "/-/%2e%2e/_headers", "/-/none.js", "/-/texts"]
)
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404
