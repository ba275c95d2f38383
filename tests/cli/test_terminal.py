"""`crypt-api` at a terminal: it asks questions, does not show secrets, and shows that a slow request goes on."""

import os
import re
import signal
import socket
import subprocess
import sys
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
    terminal.waitnoecho(60)
    assert not terminal.getecho()
    terminal.sendline(text)


def test_a_passphrase_is_asked_for_and_not_shown(shell: Shell) -> None:
    sender = shell.terminal("send", "secret", "-p")
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


LONG = "".join(chr(ord("a") + n * n % 26) for n in range(100_000))


def test_a_pasted_line_arrives_whole(shell: Shell) -> None:
    """A terminal that edits lines itself would cut it at 4,095 bytes."""
    sender = shell.terminal("send")
    sender.expect_exact("Type the message")
    sender.sendline(LONG)
    sender.sendline("\N{HORSE FACE} a second line")
    sender.sendeof()
    sender.expect(LINK)
    link = str(sender.after)
    finished(sender)
    assert shell("read", link).stdout.decode() == f"{LONG}\n\N{HORSE FACE} a second line"


def test_too_much_is_refused_and_none_of_it_is_left_for_the_shell(shell: Shell) -> None:
    sender = shell.terminal("send")
    sender.expect_exact("Type the message")
    sender.sendline(LONG + LONG)
    sender.sendeof()
    assert "more than 102,400 bytes" in finished(sender, code=6)


def test_a_passphrase_of_any_length_is_taken_whole(shell: Shell) -> None:
    sender = shell.terminal("send", "secret", "--passphrase")
    for prompt in ("Passphrase: ", "Repeat for confirmation: "):
        answer(sender, prompt, LONG)
    sender.expect(LINK)
    link = str(sender.after)
    assert LONG[:80] not in finished(sender)
    (shell.folder / "cut").write_text(LONG[:4_095])
    (shell.folder / "whole").write_text(LONG)
    shell("read", link, "--passphrase-file", "cut", code=5)
    assert shell("read", link, "--passphrase-file", "whole").stdout == b"secret"


def test_the_terminals_own_keys_edit_the_line(shell: Shell) -> None:
    """They are those of `stty`; `test_typed.py` has the cases."""
    sender = shell.program("sh", "-c", f"stty erase '#' kill '@'; exec {sys.executable} -m crypt_api send")
    sender.expect_exact("Type the message; end it with Enter and Ctrl-D.\r\n")
    sender.send("wrong@abc##d\n\x04")
    sender.expect_exact("wrong" + "\b \b" * 5 + "abc\b \b\b \bd\r\n")
    sender.expect(LINK)
    link = str(sender.after)
    finished(sender)
    assert shell("read", link).stdout == b"ad"


def test_enter_ends_a_line_whatever_the_terminal_makes_of_it(shell: Shell) -> None:
    """A program that crashed may have left the terminal raw."""
    sender = shell.program("sh", "-c", f"stty raw; exec {sys.executable} -m crypt_api send")
    sender.expect_exact("Type the message")
    sender.send("two\rlines\r\x04")
    sender.expect(LINK)
    link = str(sender.after)
    finished(sender)
    assert shell("read", link).stdout == b"two\nlines"
    sender = shell.program("sh", "-c", f"stty raw; exec {sys.executable} -m crypt_api send")
    sender.expect_exact("Type the message")
    sender.send("half a mess\x03")
    assert "Nothing was sent or read." in finished(sender, code=130)


@pytest.mark.parametrize(
    ("prefix", "code", "said"),
    [("", -signal.SIGHUP, b""), ("trap '' HUP; ", 130, b"Interrupted. Nothing was sent or read.\n")],
)
def test_what_was_typed_when_the_terminal_went_away_is_not_sent(prefix: str, code: int, said: bytes) -> None:
    ours, theirs = os.openpty()
    command = f"{prefix}exec {sys.executable} -m crypt_api send"
    with subprocess.Popen(["setsid", "-c", "sh", "-c", command], stdin=theirs, stderr=subprocess.PIPE) as sender:  # noqa: S603, S607
        os.close(theirs)
        prompt = b""
        while b"Ctrl-D" not in prompt:
            prompt += os.read(ours, 1_000)
        os.write(ours, b"half a mess")
        os.close(ours)
        assert sender.communicate(timeout=60)[1] == said
    assert sender.returncode == code


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (["send"], "interrupt"),
        (["send", "secret", "--passphrase"], "SIGTERM"),
        (["read"], "SIGHUP"),
        (["send"], "stop"),
    ],
)
def test_the_terminal_is_left_as_it_was(shell: Shell, arguments: list[str], ending: str) -> None:
    """Whatever ends the questions: it shows what is typed, and edits lines itself."""
    command = " ".join([sys.executable, "-m crypt_api", *arguments])
    terminal = shell.program("bash", "--norc", "--noprofile", "-i", env={"PS1": "prompt> "})
    terminal.sendline("stty sane; stty -a | md5sum; set -m")
    terminal.expect(r"([0-9a-f]{32})")
    before = terminal.match.group(1)  # type: ignore[union-attr]
    terminal.sendline(f"{command}; echo ended $?")
    terminal.expect_exact(["Type the message", "Passphrase: ", "Link: "])
    match ending:
        case "interrupt":
            terminal.sendintr()
            terminal.expect_exact("Nothing was sent or read.")
        case "stop":
            terminal.send("\x1a")
            terminal.expect_exact("Stopped")
        case _:
            [child] = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
            os.kill(int(child), getattr(signal, ending))
    terminal.expect_exact("ended ")
    terminal.sendline("stty -a | md5sum")
    terminal.expect(r"([0-9a-f]{32})")
    assert terminal.match.group(1) == before  # type: ignore[union-attr]
    if ending == "stop":
        terminal.sendline("fg")
        terminal.expect_exact(command)
        terminal.sendintr()
        terminal.expect_exact("Nothing was sent or read.")
    terminal.close(force=True)


def test_a_question_without_a_terminal_says_so() -> None:
    command = ["setsid", sys.executable, "-m", "crypt_api", "send", "secret", "--passphrase"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert result.returncode == 2
    assert b"no terminal to ask for the passphrase" in result.stderr
    assert b"--passphrase-file" in result.stderr


def test_a_link_is_asked_for_and_not_shown(shell: Shell) -> None:
    link = shell.send("secret")
    for command, said in (("status", "unread"), ("read", "secret")):
        terminal = shell.terminal(command)
        answer(terminal, "Link: ", link)
        output = finished(terminal)
        assert said in output
        assert link not in output


def test_a_passphrase_is_asked_for_while_the_link_comes_from_stdin(shell: Shell) -> None:
    (shell.folder / "link").write_text(shell.send("secret", "--passphrase-file", shell.file("right")))
    reader = shell.program("sh", "-c", f"{sys.executable} -m crypt_api read - < link")
    answer(reader, "Passphrase: ", "right")
    assert finished(reader).strip() == "secret"


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
    assert "Interrupted. Nothing was sent or read." in finished(asked, code=130)
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
        sender.expect(r"Sending .*━.*0:0\d:(?!00)\d\d")
    assert "cannot be reached" in finished(sender, code=7)
    # What is quick depends on the machine.
    patient = "from crypt_api.cli import main, progress; progress.PATIENCE = 60; main()"
    quick = shell.program(sys.executable, "-c", patient, "send", "secret")
    assert "Sending" not in finished(quick)
