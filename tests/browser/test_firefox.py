"""The page in real Firefox: what is sent is read there, byte for byte, and its sender is told."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.firefox import NOT_TRIED, Firefox, required_firefox
from tests.support.page import FILE, MESSAGE
from tests.support.platforms import Platform
from tests.support.sent_in_firefox import open_message, send


@pytest.fixture
def url(unlimited_server: Platform) -> str:
    return unlimited_server.url


def test_a_file_with_a_note_and_a_passphrase_arrives_exactly(firefox: Firefox, url: str, tmp_path: Path) -> None:
    file = tmp_path / FILE["name"]
    file.write_bytes(FILE["buffer"])
    sender = firefox.new_tab(url)
    firefox.type("#file", str(file))
    link = send(firefox, MESSAGE, passphrase="correct horse")
    assert firefox.value("#sent-passphrase") == "correct horse"
    firefox.new_tab(link)
    firefox.wait_until_visible("#reveal")
    firefox.type("#passphrase", "wrong horse")
    firefox.click("#reveal")
    firefox.wait_for("document.querySelector('#read-problem').textContent.startsWith('Wrong passphrase. 9 tries')")
    firefox.type("#passphrase", "correct horse")
    assert open_message(firefox) == MESSAGE
    assert firefox.text("#content-files strong") == FILE["name"]
    firefox.click("#save")
    assert firefox.downloaded(FILE["name"]) == FILE["buffer"]
    firefox.switch_to(sender)
    firefox.wait_for("document.querySelector('#sent-title').textContent === 'It has been read'")
    firefox.reload()
    firefox.wait_until_visible("#write")


@pytest.mark.parametrize("size", [5_000_000, pytest.param(100_000_000, marks=pytest.mark.long)])
def test_a_large_file_arrives_exactly(
    firefox: Firefox, url: str, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(22).randbytes(size)
    monkeypatch.setattr(firefox, "patience", firefox.patience + size / 1_000_000)
    file = tmp_path / "video.bin"
    file.write_bytes(content)
    firefox.new_tab(url)
    firefox.type("#file", str(file))
    firefox.wait_until_visible("#attached li")
    link = send(firefox, MESSAGE)
    firefox.new_tab(link)
    assert open_message(firefox) == MESSAGE
    firefox.click("#save")
    assert firefox.downloaded("video.bin") == content
    firefox.wait_for("document.querySelector('#message-lede').textContent.startsWith('All files are saved')")


def test_a_text_is_copied_exactly_and_a_reload_brings_it_back(firefox: Firefox, url: str) -> None:
    firefox.new_tab(url)
    link = send(firefox, MESSAGE)
    firefox.new_tab(link)
    for _ in range(2):
        assert open_message(firefox) == MESSAGE
        firefox.click("#copy-content")
        firefox.wait_for("document.querySelector('#copy-content').textContent === 'Copied'")
        assert firefox.clipboard() == MESSAGE
        firefox.reload()
    firefox.wait_until_visible("#message")
    firefox.click("#done")
    firefox.new_tab(link)
    firefox.wait_for("document.querySelector('#gone-title').textContent === 'Already read'")


def test_a_link_is_not_lost_by_leaving_or_by_a_reload(firefox: Firefox, url: str) -> None:
    firefox.new_tab(url)
    link = send(firefox, MESSAGE)
    firefox.reload()
    firefox.wait_for("document.querySelector('#link').value")
    assert firefox.value("#link") == link
    firefox.click("#another")
    assert firefox.question().startswith("You have not copied the link")
    firefox.answer(yes=False)
    firefox.click("#copy-link")
    firefox.wait_for("document.querySelector('#copy-link').textContent === 'Copied'")
    assert firefox.clipboard() == link
    firefox.click("#another")
    firefox.wait_until_visible("#write")
    firefox.new_tab(link)
    assert open_message(firefox) == MESSAGE


def test_where_there_is_no_firefox_the_last_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREFOX", "no-such-program")
    monkeypatch.delenv("CI", raising=False)
    test = f"{Path(__file__)}::{test_a_link_is_not_lost_by_leaving_or_by_a_reload.__name__}"
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    assert subprocess.check_output(run, text=True).splitlines()[-1] == NOT_TRIED  # noqa: S603


def test_where_there_is_no_firefox_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREFOX", "no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=NOT_TRIED):
        required_firefox()
