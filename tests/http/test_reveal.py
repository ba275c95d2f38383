"""Links that are pasted elsewhere: browsers get a page with a button."""

import re

import httpx
import pytest

from tests.support.browser_headers import BROWSER_ACCEPT
from tests.support.plain import create_path

CHROME = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "navigate"},
        {"Accept": BROWSER_ACCEPT},
        {"Accept": "text/html"},
        {"Accept": "application/json;q=0.5, TEXT/HTML;level=1"},
        {"Accept": BROWSER_ACCEPT, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_browser_gets_the_page_and_reads_nothing(client: httpx.Client, headers: dict[str, str]) -> None:
    path = create_path(client)
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    html = re.sub('<script type="application/json".*?</script>', "", answer.text)  # data
    assert not re.search(r"<script(?![^>]* src=\"/)|<style|style=|\son\w+=|https?://", html)
    assert client.get(path).json() == {"message": "secret"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json"},
        {"Accept": "application/json, text/plain, */*"},  # axios
        {"Accept": "text/html, application/json"},
        {"Accept": "text/html;q=x, */*"},
        {"Accept": BROWSER_ACCEPT, "Sec-Fetch-Mode": "cors"},
        {"User-Agent": "curl/8.5.0"},
        {"User-Agent": CHROME},
    ],
)
def test_a_program_gets_the_message(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.get(create_path(client), headers=headers)
    assert (answer.status_code, answer.content.rstrip(b"\n")) == (200, b'{"message": "secret"}')


def test_every_file_that_the_page_names_is_there(client: httpx.Client) -> None:
    """Without its icon, a browser would ask for /favicon.ico, which counts as an attempt to read."""
    page = client.get("/zzzzz", headers={"Accept": "text/html"}).text
    paths = re.findall(r'(?:src|href)="(/-/[^"]+)"', page)
    assert {"/-/icon.svg", "/-/page.css", "/-/reveal.js"} <= set(paths)
    assert {client.get(path).status_code for path in paths} == {200}


def test_the_page_does_not_tell_whether_there_is_a_message(client: httpx.Client) -> None:
    headers = {"Accept": "text/html"}
    path = create_path(client)
    there, gone = client.get(path, headers=headers), client.get("/zzzzz", headers=headers)

    def neutral(answer: httpx.Response, path: str) -> str:
        return re.sub(r'name="token" value="[^"]+"', "", answer.text).replace(path, "/ID")

    assert neutral(there, path) == neutral(gone, "/zzzzz")


@pytest.mark.parametrize(
    "case", ["no cookie", "no token", "another token", "cross-site", "same-site", "large", "broken"]
)
def test_a_form_of_another_site_reveals_nothing(client: httpx.Client, case: str) -> None:
    path = create_path(client)
    page = client.get(path, headers={"Accept": "text/html"})
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    client.cookies.clear()
    headers = {"Cookie": f"reveal={token}", "Accept": "text/html"}
    data = {"token": token}
    if case == "no cookie":
        del headers["Cookie"]
    elif case == "no token":
        data = {}
    elif case == "another token":
        data = {"token": token[::-1]}
    elif case in ("cross-site", "same-site"):
        headers["Sec-Fetch-Site"] = case
    elif case == "large":
        data["more"] = "x" * 2_000
    if case == "broken":
        answer = client.post(path + "/reveal", content=b"token=\xff", headers=headers)
    else:
        answer = client.post(path + "/reveal", data=data, headers=headers)
    assert answer.status_code == 403
    assert "This did not come from our page" in answer.text
    assert client.get(path).json() == {"message": "secret"}


def test_the_form_works_as_a_browser_sends_it(client: httpx.Client) -> None:
    message = '<script>alert(1)</script> & "x"\r\n  end'
    path = create_path(client, message)
    page = client.get(path, headers={"Accept": BROWSER_ACCEPT})
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    client.cookies.clear()
    headers = {"Cookie": cookie.partition(";")[0], "Accept": BROWSER_ACCEPT, "Sec-Fetch-Site": "same-origin"}
    answer = client.post(path + "/reveal", data={"token": token}, headers=headers)
    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;&#13;\n  end" in answer.text
    again = client.post(path + "/reveal", data={"token": token}, headers=headers)
    assert again.status_code == 404
    assert "There is no message here" in again.text


@pytest.mark.parametrize("path", ["/abc/reveal", "/" + "A" * 22 + "/reveal"])
def test_only_a_plain_message_can_be_revealed(client: httpx.Client, path: str) -> None:
    assert client.post(path).status_code == 404
