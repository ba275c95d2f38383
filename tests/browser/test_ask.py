"""Asking for a secret on the page: two links that nobody mixes up, an answer, and nothing lost on the way."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from crypt_api import Client
from crypt_api.client.ask_keys import AnswerKey, AskSecret
from crypt_api.client.links import parse_link
from crypt_core.create_tokens import new_token
from crypt_core.encoding import encode_base64url
from crypt_core.http.page_texts import LANGUAGES
from tests.browser.test_accessibility import AXE
from tests.browser.test_leaving import asked as asked_questions
from tests.browser.test_page_and_cli import stored
from tests.support import platforms, spellings
from tests.support.chromium import Tabs
from tests.support.firefox import Firefox
from tests.support.page import CLOCK, FILE, MESSAGE, expect_heading, reveal, settle, wait_until, write
from tests.support.platforms import Platform
from tests.support.printed import Paper
from tests.support.shell import Shell

QUESTION = "What is the password?\n <b>Please</b> žluť 🐎"
LARGE: FilePayload = {"name": "large.bin", "mimeType": "", "buffer": bytes(range(256)) * 1_000}
ANSWER_PATH = re.compile(r"/answer$")
WITHOUT_X25519 = """
  for (const name of ["importKey", "generateKey"]) {
    const original = crypto.subtle[name].bind(crypto.subtle);
    crypto.subtle[name] = (...all) => /X25519/.test(JSON.stringify(all))
      ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError")) : original(...all);
  }
"""
"""Chrome before 133, Firefox before 130, Safari before 17."""


@pytest.fixture
def tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only: most of these tests look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


@pytest.fixture
def platform_tabs(browser: Browser, unlimited_platform: Platform) -> Iterator[Tabs]:
    with Tabs(browser, unlimited_platform) as tabs:
        yield tabs


@pytest.fixture
def client(unlimited_server: Platform) -> Iterator[Client]:
    with Client(unlimited_server.url) as client:
        yield client


def ask(page: Page, question: str = QUESTION) -> tuple[str, str]:
    """Ask on the page; return the link to send and the link to keep."""
    page.click("#to-ask")
    return ask_on(page, question)


def ask_on(page: Page, question: str = QUESTION) -> tuple[str, str]:
    """Fill in the form that is shown."""
    page.fill("#question", question)
    page.click("#create-question")
    expect(page.locator("#asked")).to_be_visible()
    return page.input_value("#answer-link"), page.input_value("#kept-link")


def answer(page: Page, text: str = MESSAGE) -> None:
    expect(page.locator("#answer")).to_be_visible()
    page.fill("#text", text)
    page.click("#send-answer")
    expect_heading(page, "Your answer is sent")


def test_a_question_is_asked_answered_and_read(platform_tabs: Tabs) -> None:
    asker = platform_tabs.open()
    link, kept = ask(asker)
    assert asker.text_content("#asked-question") == QUESTION
    answerer = platform_tabs.open(link)
    expect_heading(answerer, "Someone asks you for a secret")
    assert answerer.text_content("#asked-for") == QUESTION
    expect(answerer.locator("#answer")).to_contain_text("does not know who asks")
    expect(answerer.locator("#answer-origin")).to_have_text(f"This page comes from {platform_tabs.platform.url}.")
    late = platform_tabs.open(link)
    answerer.set_input_files("#file", FILE)
    answer(answerer)
    expect(answerer.locator("#answered-state")).to_have_text("Not opened yet")
    expect_heading(asker, "Your question is answered")  # which the page has found out by itself
    expect(asker).to_have_title("Your question is answered · crypt")
    expect(asker.locator("#about-answer")).to_contain_text("Anyone with the link that you sent may have written it.")
    reveal(asker)
    assert asker.text_content("#content") == MESSAGE
    with asker.expect_download() as download:
        asker.click("#save")
    assert (download.value.suggested_filename, download.value.path().read_bytes()) == (FILE["name"], FILE["buffer"])
    asker.reload()
    expect(asker.locator("#content")).to_be_visible()  # within the lease
    asker.click("#done")
    expect_heading(asker, "Closed")
    expect(answerer.locator("#answered-state")).to_have_text(re.compile(f"^Opened {CLOCK}$"))
    answerer.reload()
    expect_heading(answerer, "Your answer is sent")
    expect(answerer.locator("#answered-state")).to_have_text(re.compile(f"^Opened {CLOCK}$"))
    late.fill("#text", "too late")
    late.click("#send-answer")
    expect(late.locator("#answer-problem")).to_contain_text("Someone else has answered")
    assert late.input_value("#text") == "too late"  # it can still be sent in another way
    expect_heading(platform_tabs.open(link), "This question is already answered")
    expect_heading(platform_tabs.open(kept), "The answer was already read")


def test_the_page_opens_what_the_python_client_answers(tabs: Tabs, client: Client) -> None:
    link, kept = ask(tabs.open(), "")
    attachment = tabs.platform.folder / "answered.bin"
    attachment.write_bytes(LARGE["buffer"])
    client.answer(link, MESSAGE, files=[attachment])
    asker = tabs.open(kept)  # on another device
    expect_heading(asker, "Your question is answered")
    reveal(asker)
    assert asker.text_content("#content") == MESSAGE
    with asker.expect_download() as download:
        asker.click("#save")
    assert download.value.path().read_bytes() == LARGE["buffer"]


def test_the_command_line_opens_what_the_page_answers(tabs: Tabs, tmp_path: Path) -> None:
    shell = Shell(tmp_path, tabs.platform.url)
    fields = json.loads(shell("ask", QUESTION, "--json").stdout)
    answerer = tabs.open(fields["answer_link"])
    expect_heading(answerer, "Someone asks you for a secret")
    assert answerer.text_content("#asked-for") == QUESTION
    answerer.set_input_files("#file", LARGE)  # which does not fit a message, so it is sent in parts
    answer(answerer)
    read = json.loads(shell("read", fields["ask_link"], "--json").stdout)
    assert read["text"] == MESSAGE
    assert (tmp_path / read["files"][0]["path"]).read_bytes() == LARGE["buffer"]


def test_the_two_links_are_not_mixed_up(tabs: Tabs) -> None:
    """Also by somebody who copies what the address bar shows, or who gets the wrong link."""
    asker = tabs.open()
    link, kept = ask(asker)
    expect(asker.locator("h2:visible")).to_have_text(["Send this link", "Keep this link"])
    assert asker.url == tabs.platform.url + "/"
    colours = "(id) => getComputedStyle(document.querySelector(id)).backgroundColor"
    assert asker.evaluate(colours, "#copy-answer-link") != asker.evaluate(colours, "#copy-kept-link")
    wrong = tabs.open(kept)
    expect_heading(wrong, "Waiting for the answer")
    expect(wrong.locator("#asked-lede")).to_contain_text("it is the wrong one.")
    assert wrong.url == tabs.platform.url + "/"
    wrong.reload()
    expect_heading(wrong, "Waiting for the answer")
    assert wrong.input_value("#kept-link") == kept
    right = tabs.open(link)
    right.fill("#text", f"I got this: {kept}")
    expect(right.locator("#answer-warning")).to_contain_text("This text contains a link to keep")
    right.fill("#text", f"I got this: {link}")
    expect(right.locator("#answer-warning")).to_be_empty()
    other = tabs.open()
    other.click("#to-ask")
    other.fill("#question", kept)
    expect(other.locator("#question-warning")).to_contain_text("This text contains a link to keep")


def test_a_browser_without_x25519_is_told_before_anything_is_written(tabs: Tabs) -> None:
    link, kept = ask(tabs.open())
    old = tabs.new()
    requests: list[str] = []
    old.on("request", lambda request: requests.append(request.url))
    old.add_init_script(WITHOUT_X25519)
    old.goto(tabs.platform.url)
    old.click("#to-ask")
    expect_heading(old, "This browser is too old for that")
    expect(old.locator("#gone-lede")).to_contain_text("the commands crypt-api ask and crypt-api read")
    old.goto(link)
    old.reload()
    expect_heading(old, "This browser is too old to answer")
    expect(old.locator("#gone-lede")).to_contain_text("the command crypt-api answer with the link")
    old.goto(kept)
    old.reload()
    expect_heading(old, "This browser is too old for that")
    assert [url for url in requests if re.search(r"/[\w-]{22}(/|$)", url)] == []


def test_a_question_can_be_withdrawn(tabs: Tabs) -> None:
    asker = tabs.open()
    link, kept = ask(asker)
    answerer = tabs.open(link)
    answerer.fill("#text", MESSAGE)
    asker.click("#withdraw")
    asker.click("#keep-question")
    expect(asker.locator("#withdraw")).to_be_focused()
    asker.click("#withdraw")
    asker.click("#withdraw")
    expect_heading(asker, "The question was withdrawn")
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("The question was withdrawn, or it has expired")
    for each in (link, kept):
        expect_heading(tabs.open(each), "The question was withdrawn")


@pytest.mark.parametrize(
    ("fragment", "heading", "says"),
    [
        ("#answer." + "A" * 43, "There is no question here", "ask again, with a new link"),
        ("#ask." + "A" * 22, "There is no question here", "ask again, with a new link"),
        ("#answer.q83vASNFZ4mr", "This link is incomplete", "/#answer.q83v"),
        ("#ask.q83vASNFZ4mr", "This link is incomplete", "/#q83v"),
        ("%23answer." + "A" * 43 + "%3E", "There is no question here", ""),
    ],
)
def test_a_link_that_leads_nowhere_says_so(tabs: Tabs, fragment: str, heading: str, says: str) -> None:
    page = tabs.open(f"{tabs.platform.url}/{fragment}")
    expect_heading(page, heading)
    expect(page.locator("#gone-lede")).to_contain_text(says)


def test_a_question_that_somebody_has_changed_is_not_shown(tabs: Tabs) -> None:
    asker = tabs.open()
    link, _ = ask(asker)
    other, _ = ask(tabs.open(), "another question")
    page = tabs.new()
    key = parse_link(other).secret
    assert isinstance(key, AnswerKey)
    headers = {"Authorization": f"Bearer {encode_base64url(key.proof)}"}
    swapped = httpx.get(f"{tabs.platform.url}/{key.id}/question", headers=headers).json()
    page.route("**/question", lambda route: route.fulfill(json=swapped))
    page.goto(link)
    expect_heading(page, "This message is damaged")


def test_nothing_is_lost_by_leaving_or_by_a_reload(tabs: Tabs) -> None:
    asker = tabs.new(permissions=["clipboard-read", "clipboard-write"])
    asker.goto(tabs.platform.url)
    questions = asked_questions(asker)
    asker.click("#to-ask")
    expect(asker.locator("#question")).to_be_focused()
    asker.keyboard.type("x")
    asker.click("#to-write")
    assert questions == ["Your secret has not been sent. Leave anyway?"]
    link, kept = ask(asker)
    asker.click("#copy-answer-link")
    questions.clear()
    asker.reload()
    assert questions == ["beforeunload"]
    expect_heading(asker, "Send one link, keep the other")
    assert (asker.input_value("#answer-link"), asker.input_value("#kept-link")) == (link, kept)
    assert asker.text_content("#asked-question") == QUESTION
    questions.clear()
    asker.click("#another-question")
    assert questions == [
        "You have not copied the link to keep, and without it nobody can open the answer. Leave anyway?"
    ]
    ask_on(asker)
    asker.click("#copy-kept-link")
    expect(asker.locator("#copy-kept-link")).to_have_text("Copied")
    questions.clear()
    asker.reload()
    asker.click("#another-question")
    assert questions == []
    answerer = tabs.open(link)
    questions = asked_questions(answerer)
    expect_heading(answerer, "Someone asks you for a secret")
    answerer.press("#text", "x")
    answerer.reload()
    assert questions == ["beforeunload"]
    expect_heading(answerer, "Someone asks you for a secret")


def test_an_answer_whose_response_is_lost_is_sent_again_as_it_was(tabs: Tabs) -> None:
    link, _ = ask(tabs.open())
    answerer = tabs.open(link)
    bodies: list[str | None] = []

    def lose(route: Route) -> None:
        bodies.append(route.request.post_data)
        route.fetch()
        route.abort()

    answerer.route(ANSWER_PATH, lose)
    answerer.fill("#text", MESSAGE)
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("cannot be reached")
    answerer.unroute(ANSWER_PATH)
    answerer.fill("#text", "another answer")
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("perhaps by this page")
    answerer.fill("#text", MESSAGE)
    with answerer.expect_request(ANSWER_PATH) as request:
        answerer.click("#send-answer")
    assert set(bodies) != {request.value.post_data}  # it was sealed anew after the other one
    expect(answerer.locator("#answer-problem")).to_contain_text("perhaps by this page")
    second, _ = ask(tabs.open())
    answerer.goto(second)
    bodies.clear()
    answerer.route(ANSWER_PATH, lose)
    answerer.fill("#text", MESSAGE)
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("cannot be reached")
    answerer.unroute(ANSWER_PATH)
    with answerer.expect_request(ANSWER_PATH) as request:
        answerer.click("#send-answer")
    assert set(bodies) == {request.value.post_data}
    expect_heading(answerer, "Your answer is sent")


def test_only_asking_needs_a_token(browser: Browser, tmp_path: Path) -> None:
    token, line = new_token("somebody")
    (tmp_path / "tokens").write_text(line + "\n")
    options = ("--rate-limit-per-second=0", f"--create-tokens={tmp_path}/tokens")
    with platforms.server(tmp_path, *options) as platform, Tabs(browser, platform) as tabs:
        asker = tabs.open()
        asker.click("#to-ask")
        asker.fill("#question", QUESTION)
        asker.click("text=1 hr")
        asker.click("#create-question")
        expect(asker.locator("#token-problem")).to_have_text("This token is not valid here.")
        expect(asker.locator("#token")).to_be_focused()
        asker.fill("#token", token)
        asker.check("#remember-token")
        with asker.expect_request(lambda request: request.method == "PUT") as request:
            asker.click("#create-question")
        assert (request.value.post_data_json or {})["ttl"] == 3_600
        expect(asker.locator("#asked")).to_be_visible()
        answerer = tabs.open(asker.input_value("#answer-link"))
        expect_heading(answerer, "Someone asks you for a secret")
        answerer.set_input_files("#file", LARGE)  # whose parts need a token, or an answerer's proof
        answer(answerer)
        expect_heading(asker, "Your question is answered")
        reveal(asker)
        asker.click("#done")
        asker.click("#home")
        for field in ("#token", "#life"):
            expect(asker.locator(f"#write-form {field}")).to_be_visible()  # where they were before
        write(asker)
        assert asker.evaluate("localStorage.getItem('token')") == token


@pytest.mark.both_platforms
def test_neither_service_nor_network_sees_question_answer_or_links(platform_tabs: Tabs) -> None:
    """Searches the service's log, everything that it stores, and everything that the browser sends."""
    question, text = "unmistakable question", "unmistakable answer"
    asker = platform_tabs.open()
    link, kept = ask(asker, question)
    stored_now = stored(platform_tabs.platform)
    answer(platform_tabs.open(link), text)
    stored_now += stored(platform_tabs.platform)
    expect_heading(asker, "Your question is answered")
    reveal(asker)
    assert asker.text_content("#content") == text
    stored_now += stored(platform_tabs.platform)
    sent = platform_tabs.sent()
    secret, key = parse_link(kept).secret, parse_link(link).secret
    assert isinstance(secret, AskSecret)
    assert secret.answer_key == key
    for spelling in spellings.of_message(secret, "", question, text) + spellings.of_message(
        secret.answer_key, "", question
    ):
        if spelling:
            assert spelling not in stored_now
            assert spelling not in sent
    assert secret.id.encode() in sent  # the search looks in the right places
    assert b"answer_hash" in sent
    assert platform_tabs.platform.name == "worker" or secret.id.encode() in stored_now


def views(tabs: Tabs, **settings: Any) -> Iterator[tuple[str, Page]]:
    """Walk through every view of a question."""
    asker = tabs.open(**settings)
    asker.click("#to-ask")
    expect(asker.locator("#ask")).to_be_visible()
    asker.fill("#question", "x" * 102_401)
    asker.click("#create-question")
    expect(asker.locator("#question-problem")).not_to_be_empty()
    yield "ask, with a problem", asker
    asker.fill("#question", "")
    asker.click("#to-write")
    link, kept = ask(asker, "question " * 40 + "x" * 400)
    asker.click("#withdraw")
    yield "asked, with a question about withdrawing", asker
    other = tabs.open(kept, **settings)
    expect(other.locator("#asked")).to_be_visible()
    yield "asked, from the link to keep", other
    answerer = tabs.open(link, **settings)
    expect(answerer.locator("#answer")).to_be_visible()
    answerer.click("#send-answer")
    expect(answerer.locator("#text-problem")).not_to_be_empty()
    answerer.fill("#text", kept)
    answerer.set_input_files("#file", FILE)
    yield "answer, with problems and a file", answerer
    answerer.click("#send-answer")
    expect(answerer.locator("#answered")).to_be_visible()
    yield "answered", answerer
    expect(asker.locator("#read")).to_be_visible()
    yield "read", asker
    for reason in ("no-question", "withdrawn", "answered", "answer-read", "answer-lost", "no-asking", "no-answering"):
        other.evaluate(
            "async (reason) => (await import('/-/gone-view.js')).showGoneView(reason, { at: new Date() })", reason
        )
        yield reason, other


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "ar")])
def test_axe_finds_nothing(tabs: Tabs, scheme: str, language: str) -> None:
    findings: dict[str, Any] = {}
    for name, page in views(tabs, color_scheme=scheme, locale=language, reduced_motion="reduce"):
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run({ resultTypes: ['violations', 'incomplete'] })")
        found = [
            (each["id"], node["html"], node["failureSummary"])
            for each in result["violations"]
            for node in each["nodes"]
        ]
        if found:
            findings[name] = found
        assert len(result["passes"]) > 10
    assert findings == {}


def test_every_view_fits_a_narrow_screen_in_every_language(tabs: Tabs) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels, no view has to be scrolled sideways."""
    too_wide = []
    for name, page in views(tabs, viewport={"width": 320, "height": 640}):
        for code in LANGUAGES:
            page.select_option("#language", code)
            expect(page.locator("html")).to_have_attribute("lang", code)
            elements = "[...document.querySelectorAll('main :not(input)')]"
            wide = page.evaluate(f"{elements}.filter((e) => e.scrollWidth > 320).map((e) => e.id || e.tagName)")
            if wide or page.evaluate("document.documentElement.scrollWidth") > 320:
                too_wide.append((name, code, wide))
        page.select_option("#language", "en")
        expect(page.locator("html")).to_have_attribute("lang", "en")
    assert too_wide == []


def test_both_links_are_printed_whole(tabs: Tabs) -> None:
    asker = tabs.open(color_scheme="dark")
    link, kept = ask(asker)
    paper = Paper(asker.pdf(format="A4"))
    text = "".join(paper.text().split())
    assert text.count(link) == text.count(kept) == 1
    assert paper.qr_codes() == [link]


def test_the_answer_is_not_translated_and_keeps_its_bytes(tabs: Tabs) -> None:
    """What a translator or a spelling checker could send elsewhere, or change."""
    link, _ = ask(tabs.open())
    page = tabs.open(link)
    expect_heading(page, "Someone asks you for a secret")
    exact = "[...document.querySelectorAll('#question, #asked-question, #asked-for, #answer-link, #kept-link, #text')]"
    assert page.evaluate(f"{exact}.filter((e) => e.translate || !e.classList.contains('notranslate')).length") == 0
    assert page.evaluate(f"{exact}.length") == 6


def test_a_module_that_is_not_loaded_is_told(tabs: Tabs) -> None:
    page = tabs.new()
    page.route("**/-/ask-keys.js", lambda route: route.abort())
    page.goto(tabs.platform.url)
    page.click("#to-ask")
    expect_heading(page, "The service cannot be reached")
    page.unroute("**/-/ask-keys.js")
    page.click("#retry")
    ask(page)


def test_a_view_that_is_left_changes_no_other(tabs: Tabs) -> None:
    link, _ = ask(tabs.open())
    page = tabs.new()
    delayed: list[Route] = []
    page.route("**/question", lambda route: delayed.append(route))  # noqa: PLW0108
    page.goto(link)
    wait_until(page, lambda: bool(delayed))
    page.evaluate("location.hash = '#broken'")
    expect_heading(page, "This link is incomplete")
    delayed[0].fallback()
    settle(page)
    expect_heading(page, "This link is incomplete")


def test_a_question_is_asked_and_answered_in_firefox(firefox: Firefox, unlimited_server: Platform) -> None:
    asker = firefox.new_tab(unlimited_server.url)
    firefox.wait_until_visible("#to-ask")
    firefox.click("#to-ask")
    firefox.wait_until_visible("#question")
    firefox.type("#question", QUESTION)
    firefox.click("#create-question")
    firefox.wait_until_visible("#asked")
    link = firefox.value("#answer-link")
    firefox.click("#copy-kept-link")
    firefox.new_tab(link)
    firefox.wait_until_visible("#send-answer")
    assert firefox.text("#asked-for") == QUESTION
    firefox.type("#text", MESSAGE)
    firefox.click("#send-answer")
    firefox.wait_until_visible("#answered")
    firefox.switch_to(asker)
    firefox.wait_until_visible("#reveal")
    firefox.click("#reveal")
    firefox.wait_until_visible("#message")
    assert firefox.text("#content") == MESSAGE
