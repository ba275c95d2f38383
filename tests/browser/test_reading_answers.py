"""Reading an answer on the page, and the whole way from the question to it: also with the other programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from crypt_api import Client
from crypt_api.client.ask_keys import AskSecret
from crypt_api.client.links import parse_link
from tests.browser.test_page_and_cli import stored
from tests.support import spellings
from tests.support.chromium import Tabs
from tests.support.firefox import Firefox
from tests.support.page import CLOCK, FILE, MESSAGE, expect_heading, reveal
from tests.support.platforms import Platform
from tests.support.questions_on_page import LARGE, QUESTION, answer, ask
from tests.support.shell import Shell


@pytest.fixture
def client(unlimited_server: Platform) -> Iterator[Client]:
    with Client(unlimited_server.url) as client:
        yield client


def test_a_question_is_asked_answered_and_read(tabs: Tabs) -> None:
    asker = tabs.open()
    link, kept = ask(asker)
    assert asker.text_content("#asked-question") == QUESTION
    answerer = tabs.open(link)
    expect_heading(answerer, "Someone asks you for a secret")
    assert answerer.text_content("#asked-for") == QUESTION
    expect(answerer.locator("#answer")).to_contain_text("does not know who asks")
    expect(answerer.locator("#answer-origin")).to_have_text(f"This page comes from {tabs.platform.url}.")
    late = tabs.open(link)
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
    expect(late.locator("#answer-problem")).to_contain_text("If that was not you, tell the person who asked.")
    assert late.input_value("#text") == "too late"  # it can still be sent in another way
    expect_heading(tabs.open(link), "This question is already answered")
    expect_heading(tabs.open(kept), "The answer was already read")


def test_the_page_opens_what_the_python_client_answers(server_tabs: Tabs, client: Client) -> None:
    link, kept = ask(server_tabs.open(), "")
    attachment = server_tabs.platform.folder / "answered.bin"
    attachment.write_bytes(LARGE["buffer"])
    client.answer(link, MESSAGE, files=[attachment])
    asker = server_tabs.open(kept)  # on another device
    expect_heading(asker, "Your question is answered")
    reveal(asker)
    assert asker.text_content("#content") == MESSAGE
    with asker.expect_download() as download:
        asker.click("#save")
    assert download.value.path().read_bytes() == LARGE["buffer"]


def test_the_command_line_opens_what_the_page_answers(server_tabs: Tabs, tmp_path: Path) -> None:
    shell = Shell(tmp_path, server_tabs.platform.url)
    fields = json.loads(shell("ask", QUESTION, "--json").stdout)
    answerer = server_tabs.open(fields["answer_link"])
    expect_heading(answerer, "Someone asks you for a secret")
    assert answerer.text_content("#asked-for") == QUESTION
    answerer.set_input_files("#file", LARGE)  # which does not fit a message, so it is sent in parts
    answer(answerer)
    read = json.loads(shell("read", fields["ask_link"], "--json").stdout)
    assert read["text"] == MESSAGE
    assert (tmp_path / read["files"][0]["path"]).read_bytes() == LARGE["buffer"]


@pytest.mark.both_platforms
def test_neither_service_nor_network_sees_question_answer_or_links(tabs: Tabs) -> None:
    """Searches the service's log, everything that it stores, and everything that the browser sends."""
    question, text = "unmistakable question", "unmistakable answer"
    asker = tabs.open()
    link, kept = ask(asker, question)
    stored_now = stored(tabs.platform)
    answer(tabs.open(link), text)
    stored_now += stored(tabs.platform)
    expect_heading(asker, "Your question is answered")
    reveal(asker)
    assert asker.text_content("#content") == text
    stored_now += stored(tabs.platform)
    sent = tabs.sent()
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
    assert tabs.platform.name == "worker" or secret.id.encode() in stored_now


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
