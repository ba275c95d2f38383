"""What `crypt-api read --resume` goes on with: each download for one program, and none that somebody made up."""

import json
import os
from pathlib import Path

import pytest

from crypt_api import Attachment, Client
from crypt_api.cli.unfinished import Unfinished
from crypt_api.client.content import MAX_CONTENT_BYTES
from crypt_api.client.links import parse_link
from tests.support.platforms import Platform
from tests.support.shell import Shell

DATA = os.urandom(MAX_CONTENT_BYTES + 1)
OTHER = os.urandom(MAX_CONTENT_BYTES + 1)


@pytest.fixture
def shell(unlimited_server: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_server.url)


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


def test_a_download_that_somebody_made_up_overwrites_nothing_and_leads_nowhere(shell: Shell) -> None:
    """A sender may call a file what remembers a download, and a browser may save one into any folder."""
    old = shell.folder / ".profile"
    old.write_bytes(b"old")
    (shell.folder / ".ssh").mkdir()
    (shell.folder / "link").symlink_to("/")
    made_up = json.loads(interrupted(shell, Attachment(DATA, "a")).state.read_bytes())
    for path in ("a.part", "a.part.json"):
        (shell.folder / path).unlink()
    for number, path in enumerate((".profile", ".ssh/authorized_keys", "link/a", "../a", "/a", "C:\\a", "")):
        text = json.dumps(made_up | {"paths": [path], "overwrites": True})
        name = f"{path}.part.json" if path == ".profile" else f"{number}.part.json"
        (shell.folder / name).write_text(text)  # as another program writes it: others can read it
    (shell.folder / "7.part.json").write_text(json.dumps(made_up | {"paths": []}))
    said = shell("read", "--resume", ".", code=2, env={"HOME": str(shell.folder)}).stderr
    assert b"no interrupted download" in said
    with Client(shell.server) as client:
        link = client.send(files=[Attachment(b"{}", "x.part.json"), Attachment(b"{}", "X.PART.JSON")]).link
    shell("read", link, "-o", "got/")
    assert names(shell.folder / "got") == {"x.part_.json", "X.PART_.json"}
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
    interrupted(shell, Attachment(DATA, "a"))
    for path in set((unlimited_server.folder / "messages.db-files").rglob("*")) - before:
        if path.is_file():
            path.unlink()
    interrupted(shell, Attachment(OTHER, "folder/b"))
    (shell.folder / "folder/b.part").unlink()
    (shell.folder / "folder").rmdir()
    said = shell("read", "--resume", ".", code=3).stderr
    assert b"a.part.json remembers the download: remove it" in said
    assert (shell.folder / "folder/b").read_bytes() == OTHER
    assert names(shell.folder) == {"a.part", "a.part.json", "folder/b"}
