"""Sending files on the page: what is attached, and how it goes over lines that break."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from crypt_core.create_tokens import new_token
from tests.support import platforms
from tests.support.chromium import Tabs
from tests.support.files_on_page import (
    MIB,
    PARTS,
    DirectTabs,
    Files,
    attach,
    cut_small,
    expected,
    hold,
    save,
    send,
    stored_parts,
)
from tests.support.page import create, expect_heading, reveal, wait_until


def test_a_file_can_be_taken_out(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.open()
    attach(page, files.small, files.middle, files.large)
    page.click("#attached li:nth-child(3) button")
    page.click("#attached li:nth-child(2) button")
    expect(page.locator("#attached li")).to_have_count(1)
    expect(page.locator("#attached button")).to_be_focused()
    reader = file_tabs.open(create(page))
    reveal(reader)
    expect(reader.locator("#content-files strong")).to_have_text([files.small.name])


def test_files_of_several_drops_add_up_to_100(file_tabs: Tabs) -> None:
    page = file_tabs.open()
    expect_heading(page, "Send a secret, once")
    drop = """(count) => {
      const data = new DataTransfer();
      for (let n = 0; n < count; n++) data.items.add(new File(["content"], `${n}.txt`));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    for count in (60, 40):
        page.evaluate(drop, count)
    expect(page.locator("#attached li")).to_have_count(100)
    page.evaluate(drop, 1)
    expect(page.locator("#text-problem")).to_have_text("You can attach up to 100 files.")
    expect(page.locator("#attached li")).to_have_count(100)


def test_a_sender_can_try_again_when_a_script_has_not_arrived(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.open()
    attach(page, files.middle)
    for name in ("sending-view", "upload", "progress"):
        page.route(f"**/-/{name}.js", lambda route: route.abort())
        page.click("#create")
        expect(page.locator("#write-problem")).to_contain_text("cannot be reached. Nothing is lost; try again.")
        page.unroute(f"**/-/{name}.js")
    create(page)


def test_cancelling_deletes_what_was_sent(file_tabs: Tabs, files: Files) -> None:
    before = stored_parts(file_tabs.platform)
    page = file_tabs.open()
    cut_small(page)
    held = hold(page, "PUT", 1)
    attach(page, files.middle)
    page.fill("#text", "a note")
    page.click("#create")
    expect_heading(page, "Sending your files")
    wait_until(page, lambda: bool(held) and len(stored_parts(file_tabs.platform) - before) == 1)
    page.click("#cancel-upload")
    expect_heading(page, "Send a secret, once")
    wait_until(page, lambda: stored_parts(file_tabs.platform) <= before)
    assert page.input_value("#text") == "a note"
    expect(page.locator("#attached li")).to_have_count(1)
    page.unroute(PARTS)
    create(page)


def test_an_upload_goes_on_over_a_line_that_breaks(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.open()
    cut_small(page)
    failures = [True, False, True, False, False]
    page.route(PARTS, lambda route: route.abort() if failures and failures.pop() else route.fallback())
    lost: list[Route] = []

    def lose_answer(route: Route) -> None:
        """The part is stored, and the sender does not learn of it."""
        if lost:
            return route.fallback()
        lost.append(route)
        route.fetch()
        return route.abort()

    page.route(PARTS, lose_answer)
    reader = file_tabs.open(send(page, files.middle))
    assert lost
    reveal(reader)
    assert save(reader) == expected(files.middle)


@pytest.mark.parametrize("status", [413, 502])
def test_a_line_that_takes_no_large_parts_gets_small_ones(file_tabs: Tabs, files: Files, status: int) -> None:
    page = file_tabs.new()
    page.add_init_script("""
      const send = XMLHttpRequest.prototype.send;
      XMLHttpRequest.prototype.send = function (body) {
        this.setRequestHeader("X-Size", body?.size ?? 0);
        send.call(this, body);
      };
    """)
    page.goto(file_tabs.platform.url)
    cut_small(page)
    sizes: list[int] = []

    def take_small(route: Route) -> None:
        sizes.append(int(route.request.headers["x-size"]))
        if sizes[-1] > MIB:
            route.fulfill(status=status, body="<html>no")
        else:
            route.fallback()

    page.route(PARTS, take_small)
    reader = file_tabs.open(send(page, files.middle))
    assert sizes.count(MIB + 29) >= (1 if status == 413 else 3)
    assert sizes.count(512 * 1024 + 29) == 4
    reveal(reader)
    assert save(reader) == expected(files.middle)


def test_a_line_that_takes_no_parts_at_all_is_told(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.open()
    page.route(PARTS, lambda route: route.fulfill(status=413, body="<html>no"))
    attach(page, files.middle)
    page.click("#create")
    expect(page.locator("#write-problem")).to_have_text("The service refused: 413")
    expect(page.locator("#attached li")).to_have_count(1)


def test_what_is_too_large_says_so_before_anything_is_sent(browser: Browser, tmp_path: Path, files: Files) -> None:
    with platforms.server(tmp_path, "--max-file=5MB") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        expect(page.locator("#size")).to_be_empty()
        assert not [request for request in tabs.requests if "limits" in request.url]  # nobody has asked for it
        page.set_input_files("#file", files.large)
        expect(page.locator("#text-problem")).to_contain_text("9 MB; the limit is 5 MB.")
        expect(page.locator("#attached")).to_be_hidden()
        attach(page, files.middle)
        expect(page.locator("#size")).to_have_text("2.5 MB of 5 MB")
        assert not [request for request in tabs.requests if request.method == "PUT"]


def test_where_files_are_off_the_page_says_up_to_100_kilobytes(browser: Browser, tmp_path: Path, files: Files) -> None:
    with platforms.server(tmp_path, "--max-file-storage=0") as platform, Tabs(browser, platform) as tabs:
        page = tabs.open()
        page.set_input_files("#file", files.middle)
        expect(page.locator("#text-problem")).to_contain_text("2.5 MB; the limit is 100 kB.")
        expect(page.locator("#size")).to_have_text("Up to 100 kB")
        reader = tabs.open(send(page, files.small))
        reveal(reader)
        expect(reader.locator("#content-files strong")).to_have_text(files.small.name)


def test_an_upload_over_the_budget_says_when_it_goes_on(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.new()
    page.clock.install()
    page.goto(file_tabs.platform.url)
    refusals = [{"status": 429, "headers": {"Retry-After": "600"}, "json": {"code": "upload_budget", "error": "x"}}]
    page.route(PARTS, lambda route: route.fulfill(**refusals.pop()) if refusals else route.fallback())
    attach(page, files.middle)
    page.click("#create")
    expect(page.locator("#upload-state")).to_contain_text("The hourly limit is used up. Sending continues today")
    page.clock.fast_forward(600_000)
    expect(page.locator("#sent")).to_be_visible()


def test_a_file_that_changes_stops_the_upload(file_tabs: Tabs, files: Files, tmp_path: Path) -> None:
    before = stored_parts(file_tabs.platform)
    file = tmp_path / "log.txt"
    file.write_bytes(files.middle.read_bytes())
    page = file_tabs.open()
    page.set_input_files("#file", file)
    expect(page.locator("#attached li")).to_have_count(1)
    expect(page.locator("#size")).to_contain_text("of 100 MB")
    file.write_bytes(files.middle.read_bytes() + b"more")
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text("log.txt has changed or can no longer be read.")
    expect_heading(page, "Send a secret, once")
    assert stored_parts(file_tabs.platform) <= before


def test_a_text_that_is_too_long_can_be_attached_as_a_file(file_tabs: Tabs) -> None:
    page = file_tabs.open()
    page.fill("#text", "x" * 102_401)
    page.click("#create")
    expect(page.locator("#text-problem")).to_contain_text("the limit is 100 kB. Attach it as a file instead.")


def test_the_page_asks_before_files_are_lost(file_tabs: Tabs, files: Files) -> None:
    page = file_tabs.open()
    questions: list[str] = []
    page.on("dialog", lambda dialog: questions.append(dialog.type))
    held = hold(page, "PUT", 0)
    attach(page, files.middle)
    page.click("#create")
    wait_until(page, lambda: bool(held))
    page.reload()
    assert questions == ["beforeunload"]


def test_several_files_can_be_pasted(file_tabs: Tabs) -> None:
    page = file_tabs.open()
    expect_heading(page, "Send a secret, once")
    paste = """(types) => {
      const clipboardData = new DataTransfer();
      for (const name of ["a.png", "b.png"]) clipboardData.items.add(new File([name], name, { type: "image/png" }));
      for (const type of types) clipboardData.setData(type, "cells");
      const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      return document.querySelector("#text").dispatchEvent(event);
    }"""
    assert page.evaluate(paste, []) is False  # the browser does nothing of its own
    expect(page.locator("#attached strong")).to_have_text(["a.png", "b.png"])
    assert page.evaluate(paste, ["text/plain"]) is True  # a spreadsheet's text has a picture beside it
    expect(page.locator("#attached li")).to_have_count(2)
    reader = file_tabs.open(create(page))
    reveal(reader)
    expect(reader.locator("#content-files strong")).to_have_text(["a.png", "b.png"])


def test_where_tokens_are_needed_each_part_is_sent_with_one(browser: Browser, tmp_path: Path, files: Files) -> None:
    token, line = new_token("otter")
    (tmp_path / "tokens").write_text(line)
    flags = (f"--create-tokens={tmp_path}/tokens", "--rate-limit-per-second=0")
    with platforms.server(tmp_path, *flags) as platform, DirectTabs(browser, platform) as tabs:
        page = tabs.open()
        page.fill("#text", "a note")
        page.fill("#token", "wrong")
        attach(page, files.middle)
        page.click("#create")
        expect(page.locator("#token-problem")).to_have_text("This token is not valid here.")
        expect_heading(page, "Send a secret, once")
        expect(page.locator("#attached li")).to_have_count(1)
        assert stored_parts(platform) == set()
        page.fill("#token", token)
        page.click("#create")
        expect(page.locator("#sent")).to_be_visible()
        assert len(stored_parts(platform)) == 1
        reader = tabs.open(page.input_value("#link"))
        reveal(reader)
        assert save(reader) == expected(files.middle)
