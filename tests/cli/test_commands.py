"""`crypt-api send`, `read`, `status` and `burn`, as a shell runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from crypt_api.cli import COMMANDS, main
from crypt_core.encoding import digest
from tests.support import platforms
from tests.support.impostors import impostor
from tests.support.platforms import Platform
from tests.support.shell import Shell


@pytest.fixture
def shell(unlimited_platform: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_platform.url)


@pytest.mark.both_platforms
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


@pytest.mark.parametrize(
    "arguments",
    [
        "SECRET",
        "read http://localhost/#x SECRET",
        "send two SECRET",
        "answer http://localhost/#x one SECRET",
        "read --link-file SECRET",
        "answer --link-file SECRET",
        "send --passphrase-file SECRET text",
        "send --token-file SECRET text",
        "send --ttl SECRET",
        "send --reads SECRET",
        "send --generate=SECRET",
        "send --SECRET",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(arguments: str) -> None:
    """What a command says may end up in a log."""
    result = CliRunner().invoke(main, arguments.replace("SECRET", "https://example.org/#unmistakable").split())
    assert result.exit_code == 2
    assert "Error: " in result.output
    assert "unmistakable" not in result.output


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
    link = shell.send("secret", "--reads", "2", "-t", "1H")
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


def test_a_plain_message_that_is_too_large_is_refused_before_it_is_sent(shell: Shell) -> None:
    """`test_file_commands.py` has the pipe that never ends."""
    for data in (b"x" * 102_401, b"x" + b"\xc3\xa9" * 60_000):
        assert b"more than 102,400 bytes" in shell("send", "-", "--plain", stdin=data, code=6).stderr


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
    with impostor(418, {"error": "\x1b[2Jcleared\nError: \u202edesrever\u2028"}) as server:
        said = shell("status", f"{server}/#" + "A" * 22, code=6).stderr
    assert said == b"Error: \\x1b[2Jcleared\\nError: \\u202edesrever\\u2028\n"


def test_nothing_impossible_is_printed(shell: Shell) -> None:
    """`test_client_faults.py` has more cases."""
    with impostor(200, {"id": "\x1b[2Jab", "expires_at": "0001-01-01T00:00:00Z"}) as server:
        for options in (["--plain"], []):
            result = shell("send", *options, "secret", "--server", server, code=7)
            assert b"\x1b" not in result.stdout + result.stderr
            assert b"is not this service" in result.stderr


def test_a_full_disk_hides_no_result(shell: Shell) -> None:
    """Neither where stdout goes nor where stderr goes."""
    (shell.folder / "key.pem").write_bytes(b"\x00secret")
    with Path("/dev/full").open("wb") as full:
        link = shell("send", "--qr", "--file", "key.pem", "from the café", stderr=full).stdout.decode().strip()
        for command, code in (["status", link], 9), (["verify", "--hashes"], 9), (["token", "me"], 1):
            assert b"could not be written (No space left" in shell(*command, stdout=full, code=code).stderr
        assert shell("status", link, stderr=full).stdout == b"unread\n"
        assert shell("read", link, stderr=full).stdout == b"\x00secret"
        shell("read", link, stderr=full, code=4)
        link = shell.send("secret")
        assert b"It is: destroyed" in shell("burn", link, stdout=full, code=9).stderr


@pytest.mark.parametrize("option", ["--link-file", "--passphrase-file"])
@pytest.mark.parametrize("path", ["/dev/tty", "/proc/self/mem"])
def test_a_file_that_cannot_be_read_is_named(option: str, path: str) -> None:
    link = [] if option == "--link-file" else ["http://127.0.0.1:9/abcde"]
    command = ["setsid", sys.executable, "-m", "crypt_api", "read", option, path, *link]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert (result.returncode, f"{path} cannot be read".encode() in result.stderr) == (2, True)


@pytest.mark.parametrize("value", ["\n", "\r\n", "\ufeff", "\ncorrect horse"])
def test_nothing_is_sent_unprotected_because_a_secret_is_empty(shell: Shell, value: str) -> None:
    for name in ("CRYPT_API_PASSPHRASE", "CRYPT_API_TOKEN"):
        said = shell("send", "secret", code=2, env={name: value}).stderr
        assert f"The first line of {name} is empty".encode() in said


def test_the_link_need_not_be_an_argument(shell: Shell) -> None:
    """Every user of the machine sees arguments."""
    link = shell.send("secret").encode()
    (shell.folder / "link").write_bytes(b"\xef\xbb\xbf" + link + b"\r\nand more\n")
    (shell.folder / "utf-16").write_bytes(link.decode().encode("utf-16") + "\r\n".encode("utf-16-le"))
    for arguments, stdin in (
        (["-"], link + b"\n"),
        ([], link),
        (["--link-file", "link"], b""),
        (["-"], b"<%b>" % link),
    ):
        assert shell("status", *arguments, stdin=stdin).stdout == b"unread\n"
    assert shell("status", "--link-file", "utf-16").stdout == b"unread\n"
    assert shell("read", "--link-file", "-", stdin=link).stdout == b"secret"
    assert b"read before" in shell("burn", "-", stdin=link, code=4).stderr
    for options in (["--link-file", "link", "x"], ["--passphrase-file", "-", "-"]):
        assert shell("read", *options, code=2).stderr
    assert b"first line of stdin is empty" in shell("burn", code=2).stderr


def only_with(token: str, folder: Path) -> list[str]:
    """The flags of a server that takes messages only with this token."""
    (folder / "tokens").write_text(f"ci {digest(token.encode())}\n")
    return ["--create-tokens", str(folder / "tokens"), "--rate-limit-per-second=0"]


def test_secrets_are_trimmed_wherever_they_come_from(shell: Shell, tmp_path: Path) -> None:
    (shell.folder / "passphrase").write_bytes(b"\xef\xbb\xbfcorrect horse\r\n")
    (shell.folder / "utf-16").write_bytes("correct horse\r\n".encode("utf-16"))
    link = shell.send("secret", "--reads", "5", "--passphrase-file", "passphrase")
    for value in ("correct horse", "correct horse\n", "\ufeffcorrect horse\r\n"):
        assert shell("read", link, env={"CRYPT_API_PASSPHRASE": value}).stdout == b"secret"
    assert shell("read", link, "--passphrase-file", "utf-16").stdout == b"secret"
    utf_16 = (shell.folder / "utf-16").read_bytes()
    assert shell("read", link, "--passphrase-file", "-", stdin=utf_16).stdout == b"secret"
    with platforms.server(tmp_path, *only_with("token", tmp_path)) as server:
        for token in ("token\n", "\ufefftoken\r\n"):
            shell("send", "x", "--server", server.url, env={"CRYPT_API_TOKEN": token})
        (shell.folder / "token").write_bytes(b"\xef\xbb\xbftoken\r\n")
        shell("send", "x", "--server", server.url, "--token-file", "token")
        assert (
            b"no token has" in shell("send", "x", "--server", server.url, code=2, env={"CRYPT_API_TOKEN": "é"}).stderr
        )


def test_a_file_whose_name_is_not_utf8_is_sent_all_the_same(shell: Shell) -> None:
    name = b"key\xff.pem"
    (shell.folder / os.fsdecode(name)).write_bytes(b"secret")
    fields = json.loads(shell("read", shell.send("--file", name), "--json").stdout)
    assert fields["files"][0]["name"] == "key\N{REPLACEMENT CHARACTER}.pem"


def test_a_note_goes_with_a_file(shell: Shell) -> None:
    (shell.folder / "key.pem").write_bytes(b"\x00secret")
    result = shell("read", shell.send("from\x1b the café", "--file", "key.pem"))
    assert (result.stdout, result.stderr) == (b"\x00secret", "from\\x1b the café\n".encode())
    link = shell.send("-", "--file", "key.pem", stdin=b"from a pipe")
    fields = json.loads(shell("read", link, "--json").stdout)
    assert (fields["files"][0]["path"], fields["text"]) == ("key-2.pem", "from a pipe")


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
    assert shell("status", link, code=2).stderr.endswith(b"Links with a # in them have one.\n")
    assert shell("burn", link).stdout == b"destroyed\n"
    shell("read", link, code=3)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["send"], 2, "There is nothing to send."),
        (["send", ""], 2, "There is nothing to send."),
        (["send", "x", "--ttl", "soon"], 2, "This is not a time; write 90s, 15m, 1h or 7d."),
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
        (["read", "http://127.0.0.1:9/#" + "A" * 22, "--json", "-o", "-"], 2, "--json goes to stdout"),
        (["status", "https://example.invalid/#" + "A" * 22], 7, "cannot be reached"),
        (["send", "x", "--file", "missing"], 2, "missing"),
    ],
)
def test_a_mistake_has_its_own_exit_code(shell: Shell, arguments: list[str], code: int, words: str) -> None:
    result = shell(*arguments, code=code)
    assert result.stdout == b""
    assert words in result.stderr.decode()


@pytest.mark.both_platforms
def test_the_platform_does_not_see_what_was_sent(shell: Shell, unlimited_platform: Platform) -> None:
    """Neither the service's log nor, on the server, its database has text, link or passphrase."""
    (shell.folder / "passphrase").write_text("unmistakable passphrase")
    link = shell.send("unmistakable text", "--passphrase-file", "passphrase")
    kept = unlimited_platform.process.output.encode()
    if unlimited_platform.name == "server":
        kept += b"".join(path.read_bytes() for path in unlimited_platform.folder.rglob("*") if path.is_file())
    assert b"unmistakable" not in kept
    assert link.partition("#")[2].encode() not in kept


def test_help_and_completion(shell: Shell) -> None:
    text = shell("--help").stdout.decode()
    assert "CRYPT_API_SERVER" in text
    assert all(f"  {command} " in text for command in COMMANDS)
    assert "\n  Exit codes:\n    0  done\n    2  " in text
    for command in ("send", "read", "status", "burn", "serve"):
        assert shell(command, "--help").stdout
    for command in ("send", "read"):
        text = shell(command, "--help").stdout.decode()
        assert "\n  Examples:\n    crypt-api " in text
        assert "Exit codes:" not in text
    for name in ("bash", "zsh", "fish"):
        script = shell("completion", name).stdout
        assert b"crypt-api" in script
        assert b"env " not in script  # all users of the machine would see its arguments: what is typed
