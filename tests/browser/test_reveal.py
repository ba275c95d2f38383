"""The page that reveals a plain message, in real Chromium, on both platforms."""

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import expect_heading
from tests.support.plain import create_path
from tests.support.platforms import Platform


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.both_platforms
def test_in_a_browser_the_button_reveals_the_message_once(tabs: Tabs, client: httpx.Client, javascript: bool) -> None:  # noqa: FBT001
    message = "pass & <b>word</b> žluťoučký 🐎\n  second line"
    path = create_path(client, message)
    page = tabs.open(tabs.platform.url + path, java_script_enabled=javascript)
    expect_heading(page, "Someone sent you a message")
    page.reload()
    page.click("form button")
    page.wait_for_selector("#message:visible")
    assert page.text_content("#message") == message
    assert page.is_visible("#copy") == javascript
    other = tabs.open(tabs.platform.url + path, java_script_enabled=javascript)
    other.click("form button")
    expect_heading(other, "There is no message here")
    assert client.get(path).status_code == 404


def test_a_lost_response_loses_nothing(tabs: Tabs, client: httpx.Client) -> None:
    page = tabs.open(tabs.platform.url + create_path(client))
    lost = []

    def lose(route: Route) -> None:
        route.fetch()  # the service responds, and the network fails
        lost.append(1)
        route.abort()

    page.route("**/reveal", lose, times=1)
    page.click("form button")
    page.wait_for_selector("#message:visible")
    assert page.text_content("#message") == "secret"
    assert lost == [1]


def test_another_site_can_neither_frame_nor_send_the_form(
    browser: Browser, platform: Platform, client: httpx.Client
) -> None:
    path = create_path(client)
    tabs = Tabs(browser, platform)
    page = tabs.new()
    url = platform.url + path
    attack = f'<iframe src="{url}"></iframe><form method="post" action="{url}/reveal"><button>go'
    page.route("http://attacker.invalid/", lambda route: route.fulfill(body=attack, content_type="text/html"))
    page.goto("http://attacker.invalid/")
    assert page.frames[1].query_selector("h1") is None
    page.click("form button")
    page.wait_for_selector("text=This did not come from our page")
    tabs.close()
    assert client.get(path).json() == {"message": "secret"}


@pytest.mark.parametrize("javascript", [True, False])
def test_the_button_works_with_two_tabs_and_without_cookies(
    tabs: Tabs, client: httpx.Client, *, javascript: bool
) -> None:
    page = tabs.new(java_script_enabled=javascript)
    for cookies in ("kept", "gone"):
        url = tabs.platform.url + create_path(client)
        page.goto(url)
        other = page.context.new_page()
        other.goto(url)
        other.close()
        if cookies == "gone":
            page.context.clear_cookies()
        page.click("form button")
        expect(page.locator("#message")).to_have_text("secret")


@pytest.mark.parametrize(
    ("code", "text"), [("form_token_refused", "braucht das Cookie"), ("cross_site_refused", "Eine andere Website")]
)
def test_the_script_tells_why_the_form_is_refused(tabs: Tabs, client: httpx.Client, code: str, text: str) -> None:
    page = tabs.open(tabs.platform.url + create_path(client), locale="de-DE")
    page.route("**/reveal", lambda route: route.fulfill(status=403, json={"error": "refused", "code": code}))
    page.click("#reveal")
    expect(page.locator("#problem")).to_contain_text(text)
