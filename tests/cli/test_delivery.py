"""Where `crypt-api read` puts the last copy of a message: where it is wanted, and over no other file."""

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from crypt_api import Attachment, Client
from crypt_api.cli.delivery import Undelivered, rescues
from crypt_api.client.downloads import Download
from crypt_api.client.drivers import Driver
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.messages import message_of
from tests.support.full_disk import full_disk_here
from tests.support.platforms import Platform
from tests.support.relays import relay
from tests.support.shell import Shell, finished

FULL = Path("/dev/full")


@pytest.fixture
def shell(unlimited_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Run in a folder of its own, and rescue messages into another."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "rescued"))
    (tmp_path / "rescued").mkdir()
    (tmp_path / "here").mkdir()
    return Shell(tmp_path / "here", unlimited_server.url)


def rescued(shell: Shell, said: str) -> bytes:
    """Give what is in the file that stderr names; check that only its owner can read it."""
    [name] = re.findall(r"It is saved as (\S+)[.]\r?\n", said)
    path = Path(name)
    assert path.parent == shell.folder.parent / "rescued"
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes()


def test_a_file_is_never_written_over_another(shell: Shell) -> None:
    key = shell.folder / "key.pem"
    key.write_bytes(b"\x01\x02")
    link = shell.send("--file", "key.pem")
    assert b"key.pem exists. --force overwrites it." in shell("read", link, "-o", "key.pem", code=2).stderr
    shell("read", link, "-o", "new.pem")
    assert (shell.folder / "new.pem").read_bytes() == b"\x01\x02"
    assert (shell.folder / "new.pem").stat().st_mode & 0o777 == 0o600
    key.write_bytes(b"something longer")
    key.chmod(0o644)
    shell("read", shell.send("other"), "-o", "key.pem", "--force")
    assert key.read_bytes() == b"other"
    assert key.stat().st_mode & 0o777 == 0o600


def test_nothing_is_read_that_could_not_be_written(shell: Shell) -> None:
    link = shell.send("secret")
    assert b"No such file or directory" in shell("read", link, "-o", "no/such/folder", code=2).stderr
    assert b"/proc cannot be written" in shell("read", link, "-o", "/proc", code=2).stderr
    assert b"No such file or directory" in shell("read", link, "-o", "no/such/folder/", code=2).stderr
    command = ["sh", "-c", '"$0" "$@" >&-', sys.executable, "-m", "crypt_api", "read", link]
    closed = subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert (closed.returncode, b"stdout is closed" in closed.stderr) == (2, True)
    for place in "new", "new/":
        command = ["sh", "-c", 'ulimit -f 50; exec "$0" "$@"', sys.executable, "-m", "crypt_api", "read", link, "-o"]
        full = subprocess.run([*command, place], cwd=shell.folder, capture_output=True, timeout=60, check=False)  # noqa: S603
        assert (full.returncode, b"new cannot be written: File too large" in full.stderr) == (2, True)
    assert shell("read", link).stdout == b"secret"


def test_nothing_is_written_when_nothing_is_read(shell: Shell) -> None:
    link = shell.send("secret")
    shell("read", link, "-o", "file")
    (shell.folder / "old").write_bytes(b"old")
    shell("read", link, "-o", "new", code=4)
    shell("read", link, "-o", "old", "--force", code=4)
    assert {path.name for path in shell.folder.iterdir()} == {"file", "old"}
    assert (shell.folder / "old").read_bytes() == b"old"


@pytest.mark.parametrize("options", [[], ["-o", str(FULL), "--force"], ["--json"]])
def test_a_full_disk_loses_nothing(shell: Shell, options: list[str]) -> None:
    link = shell.send("-", stdin=b"last copy")
    with FULL.open("wb") as full:
        said = shell("read", link, *options, stdout=full, code=9).stderr.decode()
    assert "could not be written (No space left on device)" in said
    assert rescued(shell, said) == b"last copy"
    assert FULL.is_char_device()


def test_a_reader_that_went_away_loses_nothing(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        said = shell("read", shell.send("last copy"), stdout=pipe, code=9).stderr.decode()
    assert rescued(shell, said) == b"last copy"


@pytest.mark.parametrize("options", [[], ["-o", "file"]])
def test_an_interruption_while_acknowledging_loses_nothing(shell: Shell, options: list[str]) -> None:
    """Ctrl-C while the client acknowledges the message."""
    link = shell.send("last copy")
    with relay(shell.server) as line:
        line.hold("DELETE")
        reader = shell.terminal("read", link.replace(shell.server, line.url), *options)
        reader.expect_exact("Saved as file." if options else "last copy")
        reader.sendintr()
        assert "Interrupted. The message is written." in finished(reader, code=130)
    if options:
        assert (shell.folder / "file").read_bytes() == b"last copy"


def test_a_full_pipe_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while no program reads from the pipe."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    message = message_of(Driver(None, time.sleep).run, "last copy", None)
    with pytest.raises(Undelivered), rescues(message, ""):
        raise KeyboardInterrupt
    [saved] = tmp_path.iterdir()
    assert saved.read_bytes() == b"last copy"


def test_a_file_stays_even_if_stderr_cannot_be_written(shell: Shell) -> None:
    command = ["sh", "-c", '"$0" "$@" 2>/dev/full', sys.executable, "-m", "crypt_api", "read", shell.send("last copy")]
    subprocess.run([*command, "-o", "file"], cwd=shell.folder, timeout=60, check=True)  # noqa: S603
    assert (shell.folder / "file").read_bytes() == b"last copy"


def test_a_terminal_of_few_characters_shows_all_of_it(shell: Shell) -> None:
    reader = shell.terminal("read", shell.send("5 €"), env={"PYTHONIOENCODING": "latin-1"})
    assert finished(reader) == "5 \\u20ac\r\n"


def test_a_message_that_cannot_be_rescued_is_reported_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkstemp", fail)
    message = message_of(Driver(None, time.sleep).run, "last copy", None)
    with pytest.raises(Undelivered, match="the message is lost"), rescues(message, ""):
        fail()


def test_what_is_left_of_a_message_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder has room for the first file alone. Nobody would look for the others there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = (FileEntry("a", "", 5), FileEntry("b", "", 50_000))
    message = message_of(Driver(None, time.sleep).run, "", Download("", Manifest(files, inline=b"first" * 10_001)))
    with pytest.raises(Undelivered) as caught, full_disk_here(10_000), rescues(message, ""):
        raise BrokenPipeError
    [saved] = tmp_path.iterdir()
    assert saved.read_bytes() == b"first"
    assert str(caught.value).endswith(f"Only a part of it could be saved, as {saved}: the rest is lost.")


def test_on_a_terminal_a_file_is_saved_under_a_harmless_name(shell: Shell) -> None:
    (shell.folder / "key.pem").write_bytes(b"mine")
    with Client(shell.server) as client:
        for sent, saved in [
            ("key.pem", "key-2.pem"),
            ("/etc\\..\\.bash\a\u202erc", "etc_.._.bash__rc"),
            (".env", ".env"),
            ("x" * 300, "x" * 255),
            ("x" * 299, "x" * 253 + "-2"),
        ]:
            link = client.send(files=[Attachment(sent.encode(), sent)]).link
            assert f"Saved as {saved}." in finished(shell.terminal("read", link))
            assert (shell.folder / saved).read_bytes() == sent.encode()
            assert (shell.folder / saved).stat().st_mode & 0o777 == 0o600
    assert (shell.folder / "key.pem").read_bytes() == b"mine"


def test_in_the_home_folder_no_hidden_file_is_made(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells run what stands in some of them."""
    with Client(shell.server) as client:
        link = client.send(files=[Attachment(b"rm -rf ~", ".bash_login")], reads=2).link
        monkeypatch.setenv("HOME", str(shell.folder))
        saved = client.read(link).files[0].save(shell.folder)
        assert saved.name == "_.bash_login"
        saved.unlink()
    home = {"HOME": str(shell.folder)}
    assert "Saved as _.bash_login." in finished(shell.terminal("read", link, env=home))
    assert {path.name for path in shell.folder.iterdir()} == {"_.bash_login"}


def test_nothing_is_put_into_a_folder_that_was_there(shell: Shell) -> None:
    """Systems run what lies in some of them; and the files of two messages are not mixed up."""
    there = shell.folder / "Library/LaunchAgents"
    there.mkdir(parents=True)
    with Client(shell.server) as client:
        files = [Attachment(b"rm -rf ~", f"Library/LaunchAgents/{name}.plist") for name in "ab"]
        link = client.send(files=files).link
    assert "Saved 2 files" in finished(shell.terminal("read", link))
    assert list(there.iterdir()) == []
    assert {path.name for path in (shell.folder / "Library-2/LaunchAgents").iterdir()} == {"a.plist", "b.plist"}


def test_on_a_terminal_a_file_that_cannot_be_saved_is_rescued(shell: Shell) -> None:
    with Client(shell.server) as client:
        link = client.send(files=[Attachment(b"last copy", "key.pem")]).link
    gone = f"mkdir gone; cd gone; rmdir ../gone; exec {sys.executable} -m crypt_api read '{link}'"
    assert rescued(shell, finished(shell.program("sh", "-c", gone), code=9)) == b"last copy"


def test_on_a_terminal_control_characters_are_shown_and_not_obeyed(shell: Shell) -> None:
    link = shell.send("-", stdin="ok\r\n\x1b[2J\x9b31m\a\ttab 🐎\u200d\u202egpj\u2028".encode())
    said = finished(shell.terminal("read", link))
    assert said.startswith("ok\r\n\\x1b[2J\\x9b31m\\x07")
    assert "tab 🐎\u200d\\u202egpj\\u2028\r\n" in said
    assert "Control characters are shown" in said
    assert finished(shell.terminal("read", shell.send("-", stdin=b"two\nlines\n"))) == "two\r\nlines\r\n\r\n"
    raw = finished(shell.terminal("read", shell.send("\x1b[1mbold"), "-o", "-"))
    assert raw == "\x1b[1mbold"


def test_json_has_all_of_it(shell: Shell) -> None:
    (shell.folder / "picture.png").write_bytes(b"\x01\x02")
    fields = json.loads(shell("read", shell.send("--file", "picture.png"), "--json").stdout)
    file = {"name": "picture.png", "media_type": "image/png", "bytes": 2, "path": "picture-2.png"}
    assert fields == {"text": "", "files": [file]}
    assert (shell.folder / "picture-2.png").read_bytes() == b"\x01\x02"
    assert json.loads(shell("read", shell.send("žluť"), "--json").stdout) == {"text": "žluť", "files": []}
