"""`crypt-api send`, `read`, `status` and `burn`, as a shell runs them."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import Platform
from tests.support.shell import Shell


@pytest.fixture
def shell(unlimited_platform: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_platform.url)


def test_the_link_is_all_that_goes_to_stdout(shell: Shell, unlimited_platform: Platform) -> None:
    result = shell("send", "secret")
    link = result.stdout.decode()
    assert link.startswith(unlimited_platform.url + "/#")
    assert link.count("\n") == 1
    assert b"It can be read once, until 20" in result.stderr
    read = shell("read", link.strip())
    assert (read.stdout, read.stderr) == (b"secret", b"")


def test_the_second_reader_learns_when_the_message_was_read(shell: Shell) -> None:
    link = shell.send("secret")
    shell("read", link)
    result = shell("read", link, code=4)
    assert result.stdout == b""
    assert b"read" in result.stderr
    assert b"20" in result.stderr


@pytest.mark.parametrize("data", [b"from a pipe\n", "žluťoučký 🐎".encode(), b"\x00\xff binary", b"x" * 102_400])
def test_a_pipe_comes_out_as_it_went_in(shell: Shell, data: bytes) -> None:
    assert shell("read", shell.send("-", stdin=data)).stdout == data


def test_a_passphrase_comes_from_a_file_or_the_environment(shell: Shell) -> None:
    (shell.folder / "passphrase").write_text("pass žluť\n")
    link = shell.send("secret", "--passphrase-file", "passphrase")
    assert b"passphrase" in shell("read", link, code=5).stderr.lower()
    wrong = shell("read", link, code=5, env={"CRYPT_API_PASSPHRASE": "wrong"})
    assert b"9" in wrong.stderr
    assert shell("read", link, env={"CRYPT_API_PASSPHRASE": "pass žluť"}).stdout == b"secret"


def test_status_and_burn(shell: Shell) -> None:
    link = shell.send("secret", "--reads", "2", "--ttl", "1H")
    assert shell("status", f"<{link}>.", "--exit-code").stdout == b"unread, 2 reads left\n"
    shell("read", link)
    receipt = json.loads(shell("status", link, "--json").stdout)
    assert (receipt["state"], receipt["reads_left"], receipt["passphrase"]) == ("read", 1, False)
    assert shell("status", link).stdout.endswith(b", 1 read left\n")
    assert shell("burn", link).stdout == b"destroyed\n"
    assert shell("status", link).stdout.startswith(b"read at 20")  # for good
    shell("status", link, "--exit-code", code=4)
    shell("read", link, code=4)
    shell("burn", link, code=4)
    unread = shell.send("secret")
    assert shell("burn", unread).stdout == b"destroyed\n"
    assert shell("status", unread, "--exit-code", code=3).stdout.startswith(b"destroyed at 20")
    shell("read", unread, code=3)
    shell("burn", unread, code=3)


def test_a_pipe_that_never_ends_is_too_large() -> None:
    command = [sys.executable, "-m", "crypt_api", "send", "-"]
    with Path("/dev/zero").open("rb") as endless:
        result = subprocess.run(command, stdin=endless, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert (result.returncode, result.stdout) == (6, b"")
    assert b"more than 102,400 bytes" in result.stderr
    result = subprocess.run([*command, "--plain"], input=b"x" + b"\xc3\xa9" * 60_000, capture_output=True, check=False)  # noqa: S603
    assert (result.returncode, b"more than 102,400 bytes" in result.stderr) == (6, True)


def test_text_that_is_not_utf8_is_refused(shell: Shell) -> None:
    for arguments, env in [
        (["\udcff"], {}),
        (["x"], {b"CRYPT_API_PASSPHRASE": b"\xff" * 4}),
        (["x", "--passphrase-file", "passphrase"], {}),
    ]:
        (shell.folder / "passphrase").write_bytes(b"\xff" * 4 + b"\n")
        assert b"UTF-8" in shell("send", *arguments, code=2, env=env).stderr


def test_a_link_that_cannot_be_written_is_shown_on_stderr(shell: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        said = shell("send", "secret", stdout=full, code=9).stderr.decode()
    [link] = re.findall(r"No space left on device[)]. It is (\S+)\n", said)
    assert shell("read", link).stdout == b"secret"
    command = ["sh", "-c", '"$0" "$@" >&-', sys.executable, "-m", "crypt_api", "send", "secret"]
    closed = subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert (closed.returncode, b"stdout is closed" in closed.stderr) == (2, True)


def test_the_terminal_does_not_obey_a_service(shell: Shell) -> None:
    class Impostor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error": "\\u001b[2Jcleared"}'
            self.send_response(418)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Impostor) as impostor:
        threading.Thread(target=impostor.handle_request).start()
        said = shell("status", f"http://127.0.0.1:{impostor.server_port}/#" + "A" * 22, code=6).stderr
    assert b"\\x1b[2Jcleared" in said
    assert b"\x1b" not in said


def test_a_file_whose_name_is_not_utf8_is_sent_all_the_same(shell: Shell) -> None:
    name = b"key\xff.pem"
    (shell.folder / os.fsdecode(name)).write_bytes(b"secret")
    fields = json.loads(shell("read", shell.send("--file", name), "--json").stdout)
    assert fields["name"] == "key\N{REPLACEMENT CHARACTER}.pem"


def test_a_note_goes_with_a_file(shell: Shell) -> None:
    (shell.folder / "key.pem").write_bytes(b"\x00secret")
    result = shell("read", shell.send("from\x1b the café", "--file", "key.pem"))
    assert (result.stdout, result.stderr) == (b"\x00secret", "from\\x1b the café\n".encode())
    link = shell.send("-", "--file", "key.pem", stdin=b"from a pipe")
    fields = json.loads(shell("read", link, "--json").stdout)
    assert (fields["name"], fields["note"]) == ("key.pem", "from a pipe")


def test_an_unexpected_passphrase_reads_nothing(shell: Shell) -> None:
    link = shell.send("secret")
    assert b"has no passphrase" in shell("read", link, code=5, env={"CRYPT_API_PASSPHRASE": "left over"}).stderr
    assert shell("read", link).stdout == b"secret"


def test_curl_reads_a_plain_message(shell: Shell) -> None:
    link = shell.send("--plain", "secret")
    assert httpx.get(link).json() == {"message": "secret"}
    link = shell.send("--plain", "-", "--server", shell.server + "/", stdin=b"another")
    assert shell("read", link).stdout == b"another"
    shell("read", link, code=3)
    shell("send", "--plain", "--reads", "2", "secret", code=2)
    link = shell.send("--plain", "secret")
    assert b"no receipt" in shell("status", link, code=2).stderr
    assert shell("burn", link).stdout == b"destroyed\n"
    shell("read", link, code=3)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["send"], 2, "There is nothing to send."),
        (["send", ""], 2, "There is nothing to send."),
        (["send", "x", "--ttl", "soon"], 2, "'soon' is not a time; write 90s, 15m, 1h or 7d."),
        (["send", "x", "--ttl", "7d"], 6, "A message lives 1m to 24h here."),
        (["send", "x" * 102_401], 6, "100 KB"),
        (["send", "x", "--server", "http://user:secret@127.0.0.1:9"], 2, "user or a password"),
        (["send", "x", "--reads", "0"], 2, "0"),
        (["send", "x", "--server", "http://127.0.0.1:9"], 7, "127.0.0.1:9 cannot be reached"),
        (["read", "not a link"], 2, "a link starts with https://"),
        (["read", "http://127.0.0.1:9/#tooshort"], 2, "A part of the link is missing"),
        (["read", "http://[::1/#" + "A" * 22], 2, "not a web address"),
        (["send", "x", "--server", "example.org"], 2, "such as https://example.org."),
        (["send", "x", "--server", "http://example.org"], 2, "http:// is for this machine only"),
        (["send", "x", "--server", "https://example.org/a"], 2, "nothing behind its host"),
        (["sned", "x"], 2, "Did you mean 'send'?"),
        (["read", "http://127.0.0.1:9/#" + "A" * 22, "--json", "-o", "x"], 2, "--json goes to stdout"),
        (["status", "https://example.invalid/#" + "A" * 22], 7, "cannot be reached"),
        (["send", "x", "--file", "missing"], 2, "missing"),
    ],
)
def test_a_mistake_has_its_own_exit_code(shell: Shell, arguments: list[str], code: int, words: str) -> None:
    result = shell(*arguments, code=code)
    assert result.stdout == b""
    assert words in result.stderr.decode()


def test_the_platform_does_not_see_what_was_sent(shell: Shell, unlimited_platform: Platform) -> None:
    """Neither the service's log nor, on the server, its database has text, link or passphrase."""
    (shell.folder / "passphrase").write_text("unmistakable passphrase")
    link = shell.send("unmistakable text", "--passphrase-file", "passphrase")
    kept = unlimited_platform.process.output.encode()
    if unlimited_platform.name == "server":
        kept += b"".join(path.read_bytes() for path in unlimited_platform.folder.iterdir())
    assert b"unmistakable" not in kept
    assert link.partition("#")[2].encode() not in kept


def test_help_and_completion(shell: Shell) -> None:
    text = shell("--help").stdout.decode()
    assert "CRYPT_API_SERVER" in text
    for command in ("send", "read", "status", "burn", "serve"):
        assert f"  {command} " in text
        assert shell(command, "--help").stdout
    for command in ("send", "read"):
        text = shell(command, "--help").stdout.decode()
        assert "\n  Examples:\n    crypt-api " in text
        assert "\n  Exit codes:\n    0  done\n    2  " in text
    for name in ("bash", "zsh", "fish"):
        assert b"crypt-api" in shell("completion", name).stdout
