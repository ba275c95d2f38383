"""A page that loads a plain message's link as a picture, a script or a frame reads nothing, in a real browser."""

import httpx
import pytest
from playwright.sync_api import Browser

from tests.support.chromium import Tabs
from tests.support.plain import create_path
from tests.support.platforms import Platform

EMBEDS = {
    "picture": '<img src="URL">',
    "picture with CORS": '<img crossorigin src="URL">',
    "script": '<script src="URL"></script>',
    "module": '<script type="module" src="URL"></script>',
    "frame": '<iframe src="URL"></iframe>',
    "object": '<object data="URL"></object>',
    "plugin": '<embed src="URL">',
    "video": '<video src="URL" autoplay muted></video>',
    "sound": '<audio src="URL" preload="auto"></audio>',
    "font": '<style>@font-face { font-family: f; src: url("URL") } p { font-family: f }</style><p>text</p>',
    "background": '<body style="background: url(URL)">',
    "preloaded picture": '<link rel="preload" as="image" href="URL">',
    "prefetch": '<link rel="prefetch" href="URL">',
    "blind request": '<script>fetch("URL", { mode: "no-cors" })</script>',
}


@pytest.mark.parametrize("embed", EMBEDS)
def test_a_page_that_embeds_the_link_reads_nothing(
    browser: Browser, platform: Platform, client: httpx.Client, embed: str
) -> None:
    path = create_path(client)
    url = platform.url + path
    html = "<!doctype html><title>x</title>" + EMBEDS[embed].replace("URL", url)
    tabs = Tabs(browser, platform)
    page = tabs.new()
    # Chromium lets no page of the internet load anything of this machine, so the page seems to be the platform's own.
    page.route(platform.url + "/embeds", lambda route: route.fulfill(body=html, content_type="text/html"))
    with page.expect_response(url) as response:
        page.goto(platform.url + "/embeds", wait_until="commit")
    assert response.value.status == 403
    tabs.close()
    assert client.get(path).json() == {"message": "secret"}
