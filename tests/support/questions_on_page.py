"""What people do on the web page to ask and to answer."""

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from tests.support.chromium import Tabs
from tests.support.page import FILE, MESSAGE, expect_heading

QUESTION = "What is the password?\n <b>Please</b> žluť 🐎"
LARGE: FilePayload = {"name": "large.bin", "mimeType": "", "buffer": bytes(range(256)) * 1_000}


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
