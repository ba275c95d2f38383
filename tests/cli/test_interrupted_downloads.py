"""What `crypt-api read --resume` goes on with: each download for one program, and none that somebody made up."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from crypt_api import Attachment, Client
from crypt_api.cli import main
from crypt_api.cli.unfinished_downloads import Unfinished
from crypt_api.client import protocol
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.links import parse_link
from tests.support.platforms import Platform
from tests.support.shell import Shell

DATA = os.urandom(MAX_CONTENT_BYTES + 1)
OTHER = os.urandom(MAX_CONTENT_BYTES + 1)


@pytest.fixture
def shell(unlimited_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "here").mkdir()
    return Shell(tmp_path / "here", unlimited_server.url)


def interrupted(shell: Shell, *files: Attachment, at: str = "") -> Unfinished:
    """A message's files, of which nothing has been fetched yet."""
    with Client(shell.server) as client:
        link = client.send(files=files).link
        message, address = client.read(link), parse_link(link).address
    if at:
        return Unfinished.start_at(message, address, shell.folder / at)
    return Unfinished.start(message, address, shell.folder)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_no_file_that_was_received_says_where_another_one_goes(shell: Shell) -> None:
    """A sender may call a file as they like, and a browser or an agent may save it into any folder."""
    old = shell.folder / "old"
    old.write_bytes(b"old")
    download = interrupted(shell, Attachment(DATA, "a"))
    made_up = json.loads(download.state.read_bytes())
    (shell.folder / "a.part").unlink()
    download.forget()
    for name in (download.state.name, "old.part.json", "state/crypt-api/downloads/x.json"):
        path = shell.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made_up | {"paths": ["old"], "overwrites": True}))
        path.chmod(0o600)
    said = shell("read", "--resume", ".", code=2).stderr
    assert b"no interrupted download" in said
    assert old.read_bytes() == b"old"


def test_two_programs_do_not_go_on_with_one_download(shell: Shell) -> None:
    """The first one would delete the parts, and leave a hole where the other one has not been yet."""
    download = interrupted(shell, Attachment(DATA, "big"))
    with download.locked():
        assert b"Another crypt-api is at the download" in shell("read", "--resume", ".", code=2).stderr
    shell("read", "--resume", ".")
    assert names(shell.folder) == {"big"}
    with pytest.raises(Exception, match="has completed the download"), download.locked():
        raise AssertionError


def test_who_is_interrupted_while_acknowledging_learns_how_to_go_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_leased: protocol.Leased) -> None:
        raise KeyboardInterrupt

    with Client(shell.server) as client:
        link = client.send(files=[Attachment(DATA, "a")]).link
    monkeypatch.setattr(protocol, "acknowledge", interrupt)
    result = CliRunner().invoke(main, ["read", link, "-o", f"{shell.folder}/b"])
    assert result.exit_code == 130
    assert f"crypt-api read --resume {shell.folder} goes on." in result.stderr
    (shell.folder / "b.part").write_bytes(bytes(10_000_000))  # longer than the file, and nothing of it
    shell("read", "--resume", ".")
    assert (shell.folder / "b").read_bytes() == DATA


def test_a_new_file_takes_no_other_downloads_place(shell: Shell) -> None:
    """What remembers the other download is the last that is left of its message."""
    interrupted(shell, Attachment(DATA, "a"), at="copy")
    (shell.folder / "movie.part").write_bytes(b"of another program")
    for path in ("copy", "movie"):
        link = shell.send("-", stdin=OTHER)
        said = shell("read", link, "-o", path, "--force", code=2).stderr
        assert b"is in the way" in said
        assert shell("status", link, "--json").stdout.count(b"unread") == 1
    assert (shell.folder / "movie.part").read_bytes() == b"of another program"
    shell("read", "--resume", ".")
    assert (shell.folder / "copy").read_bytes() == DATA


def test_a_download_that_is_lost_does_not_stop_the_others(shell: Shell, unlimited_server: Platform) -> None:
    before = set((unlimited_server.folder / "messages.db-files").rglob("*"))
    lost = interrupted(shell, Attachment(DATA, "a"))
    for path in set((unlimited_server.folder / "messages.db-files").rglob("*")) - before:
        if path.is_file():
            path.unlink()
    interrupted(shell, Attachment(OTHER, "folder/b"))
    (shell.folder / "folder/b.part").unlink()
    (shell.folder / "folder").rmdir()
    said = shell("read", "--resume", ".", code=3).stderr
    assert f"{lost.state} remembers the download: remove it".encode() in said
    assert (shell.folder / "folder/b").read_bytes() == OTHER
    assert names(shell.folder) == {"a.part", "folder/b"}
    assert list(lost.state.parent.iterdir()) == [lost.state]


def test_without_a_home_folder_the_key_lies_where_the_command_says(shell: Shell) -> None:
    (shell.folder.parent / "state").write_text("no folder")
    download = interrupted(shell, Attachment(DATA, "a"))
    variable, *command = download.resuming.split()
    assert variable.startswith(f"XDG_STATE_HOME={shell.folder.parent}/")
    assert command == ["crypt-api", "read", "--resume", str(shell.folder)]
    shell(*command[1:], env=dict([variable.split("=")]))
    assert (shell.folder / "a").read_bytes() == DATA
