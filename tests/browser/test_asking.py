"""Asking on the page: two links that nobody mixes up, and nothing lost before the answer comes."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from crypt_core.create_tokens import new_token
from crypt_core.http.page_texts import LANGUAGES
from tests.browser.test_leaving import asked as asked_questions
from tests.support import platforms
from tests.support.axe import axe_findings
from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, copy, expect_heading, reveal, write
from tests.support.printed import Paper
from tests.support.questions_on_page import LARGE, QUESTION, answer, ask, ask_on, views

WITHOUT_X25519 = """
  for (const name of ["importKey", "generateKey"]) {
    const original = crypto.subtle[name].bind(crypto.subtle);
    crypto.subtle[name] = (...all) => /X25519/.test(JSON.stringify(all))
      ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError")) : original(...all);
  }
"""
"""Chrome before 133, Firefox before 130, Safari before 17."""


def test_the_two_links_are_not_mixed_up(server_tabs: Tabs) -> None:
    """Also by somebody who copies what the address bar shows, or who gets the wrong link."""
    asker = server_tabs.open()
    link, kept = ask(asker)
    expect(asker.locator("h2:visible")).to_have_text(["Send this link", "Keep this link"])
    assert asker.url == server_tabs.platform.url + "/"
    colours = "(id) => getComputedStyle(document.querySelector(id)).backgroundColor"
    assert asker.evaluate(colours, "#copy-answer-link") != asker.evaluate(colours, "#copy-kept-link")
    wrong = server_tabs.open(kept)
    expect_heading(wrong, "Waiting for the answer")
    expect(wrong.locator("#asked-lede")).to_contain_text("it is the wrong one.")
    assert wrong.url == server_tabs.platform.url + "/"
    wrong.reload()
    expect_heading(wrong, "Waiting for the answer")
    assert wrong.input_value("#kept-link") == kept
    right = server_tabs.open(link)
    right.fill("#text", f"I got this: {kept}")
    expect(right.locator("#answer-warning")).to_contain_text("This text contains a link to keep")
    right.fill("#text", f"I got this: {link}")
    expect(right.locator("#answer-warning")).to_be_empty()
    other = server_tabs.open()
    other.click("#to-ask")
    other.fill("#question", kept)
    expect(other.locator("#question-warning")).to_contain_text("This text contains a link to keep")


def test_a_browser_without_x25519_is_told_before_anything_is_written(server_tabs: Tabs) -> None:
    link, kept = ask(server_tabs.open())
    old = server_tabs.new()
    requests: list[str] = []
    old.on("request", lambda request: requests.append(request.url))
    old.add_init_script(WITHOUT_X25519)
    old.goto(server_tabs.platform.url)
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


def test_a_question_can_be_withdrawn(server_tabs: Tabs) -> None:
    asker = server_tabs.open()
    link, kept = ask(asker)
    answerer = server_tabs.open(link)
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
        expect_heading(server_tabs.open(each), "The question was withdrawn")


def test_nothing_is_lost_by_leaving_or_by_a_reload(server_tabs: Tabs) -> None:
    asker = server_tabs.new(permissions=["clipboard-read", "clipboard-write"])
    asker.goto(server_tabs.platform.url)
    questions = asked_questions(asker)
    asker.click("#to-ask")
    expect(asker.locator("#question")).to_be_focused()
    asker.keyboard.type("x")
    asker.click("#to-write")
    assert questions == ["Your secret has not been sent. Leave anyway?"]
    link, kept = ask(asker)
    copy(asker, "#copy-answer-link")
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
    copy(asker, "#copy-kept-link")
    questions.clear()
    asker.reload()
    asker.click("#another-question")
    assert questions == []
    answerer = server_tabs.open(link)
    questions = asked_questions(answerer)
    expect_heading(answerer, "Someone asks you for a secret")
    answerer.press("#text", "x")
    answerer.reload()
    assert questions == ["beforeunload"]
    expect_heading(answerer, "Someone asks you for a secret")


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


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "ar")])
def test_axe_finds_nothing(server_tabs: Tabs, scheme: str, language: str) -> None:
    findings: dict[str, Any] = {}
    for name, page in views(server_tabs, color_scheme=scheme, locale=language, reduced_motion="reduce"):
        if found := axe_findings(page):
            findings[name] = found
    assert findings == {}


def test_every_view_fits_a_narrow_screen_in_every_language(server_tabs: Tabs) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels, no view has to be scrolled sideways."""
    too_wide = []
    for name, page in views(server_tabs, viewport={"width": 320, "height": 640}):
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


def test_both_links_are_printed_whole(server_tabs: Tabs) -> None:
    asker = server_tabs.open(color_scheme="dark")
    link, kept = ask(asker)
    paper = Paper(asker.pdf(format="A4"))
    text = "".join(paper.text().split())
    assert text.count(link) == text.count(kept) == 1
    assert paper.qr_codes() == [link]


def test_a_module_that_is_not_loaded_is_told(server_tabs: Tabs) -> None:
    page = server_tabs.new()
    page.route("**/-/ask-keys.js", lambda route: route.abort())
    page.goto(server_tabs.platform.url)
    page.click("#to-ask")
    expect_heading(page, "The service cannot be reached")
    page.unroute("**/-/ask-keys.js")
    page.click("#retry")
    ask(page)
