"""Slow lines and broken ones: what arrives is waited for, and nobody else is blamed for what this tab has read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.support.chromium import Tabs
from tests.support.page import expect_heading, wait_until, write
from tests.support.plain import create as create_plain
from tests.support.platforms import ROOT

SERVICE = (ROOT / "crypt_api/static/-/service.js").read_text()
SEALED = re.compile(r"/[\w-]{22}$")
BLAME = re.compile("some(?:body|one) else|ask the sender whether", re.IGNORECASE)


def shorten(page: Page, **milliseconds: str) -> None:
    """Change constants of the page's module for the service, so that a test takes seconds."""
    script = SERVICE
    for name, value in milliseconds.items():
        script, count = re.subn(rf"const {name} = .*;", f"const {name} = {value};", script)
        assert count == 1
    page.route("**/-/service.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))


def slow_down(page: Page, bytes_a_second: int) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    limits = {"downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second}
    network.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **limits})


@contextmanager
def broken_responses(page: Page, body: str | None) -> Iterator[None]:
    """The service answers each read, and only `body` arrives; None means that nothing does."""

    def lose(route: Route) -> None:
        response = route.fetch()
        if body is None:
            route.abort()
        else:
            route.fulfill(response=response, body=body, content_type="text/html" if body.startswith("<") else None)

    paths = re.compile(r"(/[\w-]{22}|/reveal)$")
    page.route(paths, lose)
    yield
    page.unroute(paths)


def refuse_reads(page: Page) -> None:
    """Answer as the service does when the lease is over, a minute later."""
    page.route(
        re.compile(r"(/[\w-]{22}|/reveal)$"),
        lambda route: route.fulfill(status=404, json={"error": "Message not found"}),
    )


IN_PIECES = """() => {
  const original = window.fetch;
  window.given = 0;
  window.fetch = async (path, options) => {
    const response = await original(path, options);
    const text = await response.text();
    const size = Math.ceil(text.length / 4);
    return new Response(new ReadableStream({
      start(stream) { options.signal.addEventListener("abort", () => stream.error(new Error())); },
      async pull(stream) {
        if (window.given === 4) return stream.close();
        await new Promise((resolve) => { window.giveNext = resolve; });
        stream.enqueue(new TextEncoder().encode(text.slice(window.given * size, (window.given + 1) * size)));
        window.given++;
      },
    }, { highWaterMark: 0 }), response);
  };
}"""
"""Gives each response in four pieces; `giveNext` gives one, when the page has asked for it."""


def test_a_transfer_that_goes_on_is_waited_for(server_tabs: Tabs) -> None:
    """The message takes longer than silence may last."""
    text = "x" * 102_000
    reader = server_tabs.new()
    reader.clock.install()
    reader.goto(write(server_tabs.open(), text))
    expect_heading(reader, "Someone sent you a sealed message")
    reader.evaluate(IN_PIECES)
    reader.click("#reveal")
    for piece in range(4):
        reader.wait_for_function("(piece) => window.given === piece && window.giveNext", arg=piece)
        reader.clock.fast_forward(15_000)  # half of the silence that ends a request
        reader.evaluate("() => { window.giveNext(); window.giveNext = null; }")
    expect(reader.locator("#content")).to_have_text(text)
    assert len([each for each in server_tabs.requests if SEALED.search(each.url) and each.method == "GET"]) == 1


def test_an_upload_gets_time_for_its_bytes(server_tabs: Tabs) -> None:
    sender = server_tabs.new()
    shorten(sender, SILENCE="1_000", SLOWEST_UPLOAD="2")
    sender.goto(server_tabs.platform.url)
    slow_down(sender, 60_000)
    write(sender, "x" * 102_000)
    assert len([request for request in server_tabs.requests if request.method == "PUT"]) == 1


@pytest.mark.parametrize("part", ["nothing", "the beginning"])
def test_silence_ends_a_request(server_tabs: Tabs, part: str) -> None:
    reader = server_tabs.new()
    reader.clock.install()
    shorten(reader, PAUSES="[]")
    reader.goto(write(server_tabs.open()))
    expect_heading(reader, "Someone sent you a sealed message")
    reader.evaluate(
        """(text) => {
          const beginning = (signal) => new ReadableStream({
            start(stream) {
              stream.enqueue(new TextEncoder().encode('{"mess'));
              signal.addEventListener("abort", () => stream.error(new Error()));
            },
            pull() { window.isSilent = true; },
          });
          window.fetch = async (_, { signal }) => {
            if (text === "the beginning") return new Response(beginning(signal));
            window.isSilent = true;
            await new Promise((_, reject) => signal.addEventListener("abort", reject));
          };
        }""",
        part,
    )
    reader.click("#reveal")
    wait_until(reader, lambda: bool(reader.evaluate("window.isSilent")))
    reader.clock.fast_forward(20_000)
    expect(reader.locator("#read-problem")).to_be_empty()
    reader.clock.fast_forward(11_000)
    expect(reader.locator("#read-problem")).to_contain_text("cannot be reached")


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ('{"message": "AAAA', "The message was lost on the way"),
        (None, "Already read"),
        ("<p>Sign in to this network</p>", "Already read"),  # by anybody: the request may never have arrived
    ],
)
def test_nobody_else_is_blamed_for_what_this_tab_has_read(server_tabs: Tabs, body: str | None, heading: str) -> None:
    reader = server_tabs.new()
    shorten(reader, PAUSES="[]")
    reader.goto(write(server_tabs.open()))
    expect_heading(reader, "Someone sent you a sealed message")
    with broken_responses(reader, body):
        reader.click("#reveal")
        expect(reader.locator("#read-problem")).to_contain_text("cannot be reached")
    refuse_reads(reader)
    reader.click("#reveal")
    expect_heading(reader, heading)
    expect(reader.locator("#gone-lede")).to_contain_text("obody else has it")
    expect(reader.locator("#gone-lede")).not_to_contain_text(BLAME)
    reader.reload()
    expect_heading(reader, heading)


def test_nobody_else_is_blamed_after_a_reload_in_the_middle(server_tabs: Tabs) -> None:
    reader = server_tabs.new()
    reader.goto(write(server_tabs.open()))
    expect_heading(reader, "Someone sent you a sealed message")
    lost: list[APIResponse] = []
    reader.route(SEALED, lambda route: lost.append(route.fetch()))
    reader.click("#reveal")
    wait_until(reader, lambda: bool(lost))
    reader.evaluate("sessionStorage.clear()")  # as a minute later
    reader.reload()
    expect_heading(reader, "Already read")
    expect(reader.locator("#gone-lede")).to_contain_text("Perhaps by this page")


def test_somebody_else_who_was_faster_is_told(server_tabs: Tabs) -> None:
    """Also after an attempt that read nothing, such as one without a passphrase."""
    link = write(server_tabs.open(), passphrase="xxxx")
    slow, fast = server_tabs.open(link), server_tabs.open(link)
    for page, passphrase in ((slow, "wrong"), (fast, "xxxx"), (slow, "xxxx")):
        page.fill("#passphrase", passphrase)
        page.click("#reveal")
        if passphrase == "wrong":
            expect(page.locator("#read-problem")).to_contain_text("Wrong passphrase")
    expect_heading(slow, "Already read")
    expect(slow.locator("#gone-lede")).to_contain_text("someone else has the link")


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ('{"message": "AAAA', "The message was lost on the way"),
        (None, "Already read"),
        ("<p>Sign in to this network</p>", "Already read"),  # by anybody: the request may never have arrived
    ],
)
def test_the_reveal_page_blames_nobody_else(server_tabs: Tabs, body: str | None, heading: str) -> None:
    page = server_tabs.new()
    shorten(page, PAUSES="[]")
    page.goto(f"{server_tabs.platform.url}/{create_plain(server_tabs.platform.url)}")
    with broken_responses(page, body):
        page.click("#reveal")
        expect(page.locator("#problem")).to_contain_text("cannot be reached")
    refuse_reads(page)
    page.click("#reveal")
    expect_heading(page, heading)
    expect(page.locator("#gone-lede")).not_to_contain_text(BLAME)


def test_a_reload_of_the_reveal_page_can_ask_again(server_tabs: Tabs) -> None:
    page = server_tabs.new()
    shorten(page, PAUSES="[]")
    page.goto(f"{server_tabs.platform.url}/{create_plain(server_tabs.platform.url, 'kept')}")
    with broken_responses(page, None):
        page.click("#reveal")
        expect(page.locator("#problem")).to_contain_text("cannot be reached")
    page.reload()
    page.click("#reveal")
    expect(page.locator("#message")).to_have_text("kept")
