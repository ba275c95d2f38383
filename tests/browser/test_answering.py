"""Answering on the page: the question that was asked, an answer that is sent once, and links that lead nowhere."""

import re

import httpx
import pytest
from playwright.sync_api import Route, expect

from crypt_api.client.ask_keys import AnswerKey
from crypt_api.client.links import parse_link
from crypt_core.encoding import encode_base64url
from tests.support.chromium import Tabs
from tests.support.page import MESSAGE, expect_heading, settle, wait_until
from tests.support.questions_on_page import ask

ANSWER_PATH = re.compile(r"/answer$")


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
def test_a_link_that_leads_nowhere_says_so(server_tabs: Tabs, fragment: str, heading: str, says: str) -> None:
    page = server_tabs.open(f"{server_tabs.platform.url}/{fragment}")
    expect_heading(page, heading)
    expect(page.locator("#gone-lede")).to_contain_text(says)


def test_a_question_that_somebody_has_changed_is_not_shown(server_tabs: Tabs) -> None:
    asker = server_tabs.open()
    link, _ = ask(asker)
    other, _ = ask(server_tabs.open(), "another question")
    page = server_tabs.new()
    key = parse_link(other).secret
    assert isinstance(key, AnswerKey)
    headers = {"Authorization": f"Bearer {encode_base64url(key.proof)}"}
    swapped = httpx.get(f"{server_tabs.platform.url}/{key.id}/question", headers=headers).json()
    page.route("**/question", lambda route: route.fulfill(json=swapped))
    page.goto(link)
    expect_heading(page, "This message is damaged")


def test_an_answer_whose_response_is_lost_is_sent_again_as_it_was(server_tabs: Tabs) -> None:
    link, _ = ask(server_tabs.open())
    answerer = server_tabs.open(link)
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
    second, _ = ask(server_tabs.open())
    answerer.goto(second)
    bodies.clear()
    answerer.route(ANSWER_PATH, lose)
    answerer.fill("#text", MESSAGE)
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("cannot be reached")
    answerer.unroute(ANSWER_PATH)
    gone = {"error": "Message not found"}
    answerer.route(ANSWER_PATH, lambda route: route.fulfill(status=404, json=gone))  # as if it was read, and destroyed
    answerer.click("#send-answer")
    expect(answerer.locator("#answer-problem")).to_contain_text("ask the person whether your answer is there")
    answerer.unroute(ANSWER_PATH)
    with answerer.expect_request(ANSWER_PATH) as request:
        answerer.click("#send-answer")
    assert set(bodies) == {request.value.post_data}
    expect_heading(answerer, "Your answer is sent")


def test_the_answer_is_not_translated_and_keeps_its_bytes(server_tabs: Tabs) -> None:
    """What a translator or a spelling checker could send elsewhere, or change."""
    link, _ = ask(server_tabs.open())
    page = server_tabs.open(link)
    expect_heading(page, "Someone asks you for a secret")
    exact = "[...document.querySelectorAll('#question, #asked-question, #asked-for, #answer-link, #kept-link, #text')]"
    assert page.evaluate(f"{exact}.filter((e) => e.translate || !e.classList.contains('notranslate')).length") == 0
    assert page.evaluate(f"{exact}.length") == 6


def test_a_view_that_is_left_changes_no_other(server_tabs: Tabs) -> None:
    link, _ = ask(server_tabs.open())
    page = server_tabs.new()
    delayed: list[Route] = []
    page.route("**/question", lambda route: delayed.append(route))  # noqa: PLW0108
    page.goto(link)
    wait_until(page, lambda: bool(delayed))
    page.evaluate("location.hash = '#broken'")
    expect_heading(page, "This link is incomplete")
    delayed[0].fallback()
    settle(page)
    expect_heading(page, "This link is incomplete")
