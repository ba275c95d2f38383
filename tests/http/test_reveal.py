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
    "damage",
    [
        "{}/", "%2F{}", "{}.", "({})", "%3C{}%3E", "%22{}%22", "%E2%80%9C{}%E2%80%9D", "**{}**", "%20{}", "{}%C2%A0",
        "%EF%BB%BF{}", "{}%E2%80%8B", "{}=3D", "{}/%20", "{}&amp;utm_source=mail",
    ],
)  # fmt: skip
def test_a_damaged_link_leads_a_browser_to_the_page(client: httpx.Client, damage: str) -> None:
    for message_id in ("abc12", "ABC12", "Abc12"):
        page = client.get("/" + damage.format(message_id), headers={"Accept": BROWSER_ACCEPT})
        assert page.status_code == 200
        assert 'action="/abc12/reveal"' in page.text


def test_the_address_of_a_revealed_message_is_a_page_too(client: httpx.Client) -> None:
    """A browser without JavaScript is there when the form was sent."""
    page = client.get("/abc12/reveal", headers={"Accept": BROWSER_ACCEPT})
    assert (page.status_code, page.headers["allow"]) == (405, "POST, OPTIONS")
    assert "There is no page here" in page.text
    assert client.get("/abc12/reveal").json() == {"error": "Method not allowed"}


def page_token(client: httpx.Client, path: str) -> str:
    """The token in the form of a message's page; the client forgets the page's cookie."""
    page = client.get(path, headers={"Accept": "text/html"})
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    client.cookies.clear()
    return str(token)


MISSING_COOKIE = "The button needs the cookie that comes with this page."
OTHER_SITE = "Another site, or an old copy of this page"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no cookie", MISSING_COOKIE),
        ("no token", MISSING_COOKIE),
        ("another token", MISSING_COOKIE),
        ("large", MISSING_COOKIE),
        ("broken", MISSING_COOKIE),
        ("cross-site", OTHER_SITE),
        ("same-site", OTHER_SITE),
        ("origin", OTHER_SITE),
    ],
)
def test_a_form_of_another_site_reveals_nothing(client: httpx.Client, case: str, reason: str) -> None:
    path = create_path(client)
    token = page_token(client, path)
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
    elif case == "origin":
        headers = {"Origin": "https://attacker.invalid", "Accept": "text/html"}
    elif case == "large":
        data["more"] = "x" * 2_000
    if case == "broken":
        answer = client.post(path + "/reveal", content=b"token=\xff", headers=headers)
    else:
        answer = client.post(path + "/reveal", data=data, headers=headers)
    assert answer.status_code == 403
    assert reason in answer.text
    assert client.get(path).json() == {"message": "secret"}


def test_a_refused_form_is_told_why_in_the_readers_language(client: httpx.Client) -> None:
    path = create_path(client)
    headers = {"Accept": "text/html", "Accept-Language": "de"}
    assert "Der Knopf braucht das Cookie" in client.post(path + "/reveal", headers=headers).text
    other = client.post(path + "/reveal", headers=headers | {"Sec-Fetch-Site": "cross-site"})
    assert "Eine andere Website" in other.text
    codes = [
        client.post(path + "/reveal", headers=more).json()["code"] for more in ({}, {"Sec-Fetch-Site": "same-site"})
    ]
    assert codes == ["form_token_refused", "cross_site_refused"]
    changed = client.post(path + "/reveal", headers={"Origin": "http://example.org"}).json()
    assert (changed["code"], "a proxy changes Host" in changed["hint"]) == ("cross_site_refused", True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://example.org", "Host": "localhost"},  # a proxy's Host
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "https://example.org", "Host": "example.org"},  # an older browser's script
        {"Origin": "https://Example.org", "Host": "example.org:443"},
        {"Origin": "http://example.org:8080", "Host": "example.org:8080"},
    ],
)
def test_a_browser_that_says_where_the_form_comes_from_needs_no_cookie(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    path = create_path(client)
    answer = client.post(path + "/reveal", data={"token": page_token(client, path)}, headers=headers)
    assert answer.json() == {"message": "secret"}


def test_the_button_works_in_each_of_two_tabs(client: httpx.Client) -> None:
    """In a browser that does not say where the form comes from: the second tab leaves the first one's token valid."""
    path = create_path(client)
    tokens = []
    for _ in range(2):
        page = client.get(path, headers={"Accept": "text/html"})
        tokens += re.findall(r'name="token" value="([^"]+)"', page.text)
    assert client.post(path + "/reveal", data={"token": tokens[0]}).json() == {"message": "secret"}


CHANGED_HOST = {"Origin": "http://example.org", "Host": "localhost"}
"""A script's request over plain HTTP, after a proxy that does not keep `Host`."""


@pytest.mark.parametrize("more", [{}, {"Origin": ""}, {"Sec-Fetch-Site": ""}, {"Sec-Fetch-Site": "none"}, CHANGED_HOST])
def test_the_cookie_is_found_among_others_however_they_come(client: httpx.Client, more: dict[str, str]) -> None:
    for separate in (False, True):
        path = create_path(client)
        token = page_token(client, path)
        cookies = ["other=x", f"reveal={token}", "more=y"]
        lines = [("Cookie", cookie) for cookie in cookies] if separate else [("Cookie", "; ".join(cookies))]
        answer = client.post(path + "/reveal", data={"token": token}, headers=[*lines, *more.items()])
        assert answer.json() == {"message": "secret"}


@pytest.mark.parametrize("accept", ["*/*", "text/plain", ""])
def test_a_form_gets_a_page_though_something_has_changed_the_browsers_accept(client: httpx.Client, accept: str) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Accept": accept}
    answer = client.post(create_path(client) + "/reveal", headers=headers)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "secret</pre>" in answer.text


@pytest.mark.parametrize("value", ["", "x", "a" * 33, '"' + "a" * 30 + '"'])
def test_a_cookie_that_is_no_token_is_replaced(client: httpx.Client, value: str) -> None:
    page = client.get("/zzzzz", headers={"Accept": "text/html", "Cookie": f"reveal={value}"})
    [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
    assert re.fullmatch(r"[\w-]{32}", token)


@pytest.mark.parametrize(
    "headers", [{"User-Agent": "Slackbot 1.0"}, {"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Mode": "no-cors"}]
)
def test_no_robot_presses_the_button(client: httpx.Client, headers: dict[str, str]) -> None:
    path = create_path(client)
    assert client.post(path + "/reveal", headers=headers | {"Sec-Fetch-Site": "same-origin"}).status_code == 403
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
