"""`crypt-api` at a terminal: it asks questions, does not show secrets, and shows that a slow request goes on."""

import re
import socket
from pathlib import Path

import pexpect
import pytest
import zxingcpp

from tests.support.platforms import Platform
from tests.support.shell import Shell, finished

LINK = r"http\S+/#[\w-]{22}"
HALVES = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
"""The upper and the lower half of what a character shows, white on black."""


@pytest.fixture
def shell(unlimited_server: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_server.url)


def answer(terminal: "pexpect.spawn[str]", prompt: str, text: str) -> None:
    """Type a text that must not be seen."""
    terminal.expect_exact(prompt)
    terminal.waitnoecho(10)
    assert not terminal.getecho()
    terminal.sendline(text)


def test_a_passphrase_is_asked_for_and_not_shown(shell: Shell) -> None:
    sender = shell.terminal("send", "secret", "--passphrase")
    for prompt in ("Passphrase: ", "Repeat for confirmation: "):
        answer(sender, prompt, "correct horse")
    sender.expect(LINK)
    link = str(sender.after)
    assert "correct horse" not in finished(sender)
    reader = shell.terminal("read", link)
    for said, passphrase in [("needs a passphrase; 10", "wrong"), ("Wrong passphrase; 9", "correct horse")]:
        reader.expect_exact(said)
        answer(reader, "Passphrase: ", passphrase)
    assert finished(reader).strip() == "secret"


def test_the_tenth_wrong_passphrase_ends_the_questions(shell: Shell) -> None:
    (shell.folder / "passphrase").write_text("right")
    reader = shell.terminal("read", shell.send("secret", "--passphrase-file", "passphrase"))
    for _ in range(10):
        answer(reader, "Passphrase: ", "wrong")
    assert "the message is destroyed now" in finished(reader, code=5)


def test_a_message_can_be_typed(shell: Shell) -> None:
    sender = shell.terminal("send")
    sender.expect_exact("Type the message")
    sender.sendline("two")
    sender.sendline("lines")
    sender.sendeof()
    sender.expect(LINK)
    link = str(sender.after)
    finished(sender)
    assert shell("read", link).stdout == b"two\nlines"


def test_a_camera_reads_the_link_from_the_terminal(shell: Shell) -> None:
    said = finished(shell.terminal("send", "secret", "--qr"))
    [link] = re.findall(LINK, said)
    lines = re.findall(r"\x1b\[97m\x1b\[40m([█▀▄ ]+)\x1b\[0m\r\n", said)
    rows = [bytes(HALVES[character][half] for character in line) for line in lines for half in (0, 1)]
    image = memoryview(b"".join(rows)).cast("B", [len(rows), len(rows[0])])
    assert [barcode.text for barcode in zxingcpp.read_barcodes(image, try_invert=False)] == [link]


def test_ctrl_c_says_what_may_have_been_done(shell: Shell) -> None:
    asked = shell.terminal("send", "secret", "--passphrase")
    asked.expect_exact("Passphrase: ")
    asked.sendintr()
    assert "Interrupted. Nothing was done." in finished(asked, code=130)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = shell.terminal("send", "secret", "--server", f"http://127.0.0.1:{silent.getsockname()[1]}")
        connection, _ = silent.accept()
        sender.sendintr()
        assert "nobody has its link" in finished(sender, code=130)
        connection.close()
    short = shell.terminal("send", "secret", "--passphrase")
    for prompt in ("Passphrase: ", "Repeat for confirmation: "):
        answer(short, prompt, "x")
    assert "4 characters or more" in finished(short, code=2)


def test_a_slow_request_is_seen_to_go_on(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = shell.terminal("send", "secret", "--server", f"http://127.0.0.1:{silent.getsockname()[1]}")
        sender.expect(r"Sending .*━.*0:00:0[1-9]")
    assert "cannot be reached" in finished(sender, code=7)
    quick = shell.terminal("send", "secret")
    assert "Sending" not in finished(quick)
