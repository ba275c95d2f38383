"""`crypt-api send --file` and `read -o`: files and folders, of any size, over interruptions, and over no other file."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from crypt_api import Attachment, Client, errors
from crypt_api.cli.attached_files import attachments
from crypt_api.client.links import parse_link
from crypt_api.client.parts import MAX_PART_BYTES
from tests.support import platforms
from tests.support.platforms import Platform
from tests.support.relays import Relay, relay
from tests.support.shell import Shell, finished

MB = 1_000_000


@pytest.fixture
def shell(unlimited_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Run in a folder of its own, with another one for state and for what is rescued."""
    for name, folder in (("TMPDIR", "rescued"), ("XDG_STATE_HOME", "state"), ("", "here")):
        (tmp_path / folder).mkdir()
        if name:
            monkeypatch.setenv(name, str(tmp_path / folder))
    return Shell(tmp_path / "here", unlimited_server.url)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def made(folder: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


@pytest.mark.parametrize("size", [10, 5 * MB])
def test_files_and_folders_come_out_as_they_went_in(shell: Shell, size: int) -> None:
    sent = made(
        shell.folder,
        {"plan.pdf": os.urandom(size), "photos/žluť 🐎.jpg": b"1", "photos/2026/a": b"", "photos/.hidden": b"2"},
    )
    link = shell.send("the note", "-f", "plan.pdf", "-f", "photos")
    result = shell("read", link, "-o", "new/")
    assert tree(shell.folder / "new") == sent
    assert {path.stat().st_mode & 0o777 for path in (shell.folder / "new").rglob("*") if path.is_file()} == {0o600}
    said = result.stderr.decode()
    assert result.stdout == b""
    assert said.startswith("the note\nSaved 4 files:\n")
    assert "  new/photos/2026/a\n" in said
    assert tree(shell.folder.parent / "state") == {}


@pytest.mark.parametrize("size", [10, 5 * MB])
def test_json_names_the_files_and_where_they_are(shell: Shell, size: int) -> None:
    made(shell.folder, {"a.txt": bytes(size), "new/a.txt": b"old"})
    fields = json.loads(shell("read", shell.send("note", "--file", "a.txt"), "--json", "-o", "new").stdout)
    file = {"name": "a.txt", "media_type": "text/plain", "bytes": size, "path": "new/a-2.txt"}
    assert fields == {"text": "note", "files": [file]}
    assert tree(shell.folder / "new") == {"a.txt": b"old", "a-2.txt": bytes(size)}


def test_a_text_is_saved_below_a_folder_too(shell: Shell) -> None:
    for name in ("message.txt", "message-2.txt"):
        assert shell("read", shell.send("secret"), "-o", "new/").stderr.decode() == f"Saved as new/{name}.\n"
        assert (shell.folder / "new" / name).read_bytes() == b"secret"


def test_several_files_make_a_folder_of_a_new_path(shell: Shell) -> None:
    made(shell.folder, {"a": b"1", "b": b"2", "old": b"old"})
    link = shell.send("--reads", "2", "--file", "a", "--file", "b")
    shell("read", link, "-o", "new")
    assert tree(shell.folder / "new") == {"a": b"1", "b": b"2"}
    shell("read", link, "-o", "old", "--force")
    assert (shell.folder / "old").read_bytes() == b"old"
    assert tree(shell.folder / "old-2") == {"a": b"1", "b": b"2"}


def test_stdin_of_any_size_is_sent_and_streams_to_stdout(shell: Shell) -> None:
    data = os.urandom(2 * MAX_PART_BYTES + 1)
    link = shell.send("-", stdin=data)
    assert shell("read", link).stdout == data
    assert json.loads(shell("read", shell.send("-", stdin=data), "--json").stdout)["files"][0]["path"] == "stdin"


def test_one_file_streams_to_stdout_and_several_do_not(shell: Shell) -> None:
    made(shell.folder, {"big": os.urandom(5 * MB), "here/small": b"1"})
    assert shell("read", shell.send("--file", "big")).stdout == (shell.folder / "big").read_bytes()
    result = shell("read", shell.send("--file", "big", "--file", "here/small"), code=9)
    assert (result.stdout, b"has 2 files, and stdout takes one" in result.stderr) == (b"", True)
    assert (shell.folder / "big-2").read_bytes() == (shell.folder / "big").read_bytes()
    assert (shell.folder / "small").read_bytes() == b"1"


@pytest.mark.parametrize("size", [10, MB])
def test_hostile_names_lead_nowhere(shell: Shell, size: int) -> None:
    names = [
        "../../evil", "/etc/evil", "a/../../../evil", "..", "", "a//./b", "C:\\evil\x1b", "link/evil", "nul.txt",
        "x" * 300 + ".txt", "/".join("d" * 20), "same", "same", "A" * 20 + "/" + "é" * 200,
    ]  # fmt: skip
    outside = shell.folder.parent / "outside"
    outside.mkdir()
    (shell.folder / "new").mkdir()
    (shell.folder / "new/link").symlink_to(outside)
    (shell.folder / "new/evil").symlink_to(outside / "evil")
    before = tree(shell.folder.parent)
    with Client(shell.server) as client:
        files = [Attachment(bytes([n]) * (size if n == 0 else 1), name or ".") for n, name in enumerate(names)]
        link = client.send(files=files).link
    paths = [Path(file["path"]) for file in json.loads(shell("read", link, "--json", "-o", "new").stdout)["files"]]
    after = tree(shell.folder.parent)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + len(names)
    for n, path in enumerate(paths):
        assert path.parts[0] == "new"
        assert ".." not in path.parts
        assert set((shell.folder / path).read_bytes()) == {n}
    assert [str(path) for path in paths[:4]] == ["new/evil-2", "new/etc/evil", "new/a/evil", "new/file"]
    assert str(paths[7]) == "new/link-2/evil"


def test_what_is_no_regular_file_is_refused(shell: Shell) -> None:
    os.mkfifo(shell.folder / "pipe")
    assert b"regular file" in shell("send", "--file", "pipe", code=2).stderr
    made(shell.folder, {"photos/a": b"1"})
    (shell.folder / "photos/link").symlink_to("/etc/passwd")
    assert b"link is no regular file" in shell("send", "--file", "photos", code=2).stderr
    made(shell.folder, {"unpacked/b": b"1"})
    os.mkfifo(shell.folder / "unpacked/a\n\x1b[2J")
    assert rb"a\n\x1b[2J is no regular file" in shell("send", "--file", "unpacked", code=2).stderr
    (shell.folder / "empty").mkdir()
    assert b"no file in empty" in shell("send", "--file", "empty", code=2).stderr
    made(shell.folder, {f"many/{n}": b"" for n in range(101)})
    assert b"at most 100 files" in shell("send", "--file", "many", code=2).stderr
    assert b"name them with --file" in shell("send", "x", "--resume", code=2).stderr
    assert b"no interrupted download" in shell("read", "--resume", ".", code=2).stderr


def test_a_folder_is_sent_whole_or_not_and_a_large_one_is_not_listed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(
        tmp_path, {"a/1": b"", "b/2": b"", "b.txt": b"", **{f"many/{n}/{m}": b"" for n in range(9) for m in range(99)}}
    )
    names = [file.name for file in attachments([tmp_path / "a", tmp_path / "b"])]
    assert names == ["a/1", "b/2"]
    listed: list[str] = []
    iterdir = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        listed.append(path.name)
        if path.name == "b":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    with pytest.raises(click.UsageError, match="b cannot be read: Permission denied"):
        attachments([tmp_path])
    listed.clear()
    with pytest.raises(click.UsageError, match="at most 100 files"):
        attachments([tmp_path / "many"])
    assert listed == ["many", "0", "1"]


def test_a_service_without_room_for_it_says_so(shell: Shell, tmp_path: Path) -> None:
    made(shell.folder, {"big": bytes(2 * MB)})
    with platforms.server(tmp_path, "--max-file=1MB") as small:
        said = shell("send", "--file", "big", "--server", small.url, code=6).stderr
        assert b"2,000,000 bytes together, and this service takes 1,000,000" in said
        with Path("/dev/zero").open("rb") as endless:
            result = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "crypt_api", "send", "-", "--server", small.url],
                stdin=endless, capture_output=True, timeout=60, check=False,
            )  # fmt: skip
        assert (result.returncode, b"more than 1,000,000 bytes" in result.stderr) == (6, True)
    with platforms.server(tmp_path, "--max-file=0") as off:
        said = shell("send", "--file", "big", "--server", off.url, code=6).stderr
        assert b"no files beyond 102,400 bytes" in said
    made(shell.folder, {"bigger": bytes(6 * MB)})
    with platforms.server(tmp_path, "--upload-per-hour=5MB") as mean:
        said = shell("send", "--file", "bigger", "--server", mean.url, code=6).stderr
        assert re.search(rb"--resume goes on.*wait \d+ minutes", said, re.DOTALL)


def test_a_part_that_is_missing_is_told(shell: Shell, unlimited_server: Platform) -> None:
    made(shell.folder, {"big": bytes(5 * MB)})
    before = set((unlimited_server.folder / "messages.db-files").rglob("*"))
    link = shell.send("--file", "big")
    new = set((unlimited_server.folder / "messages.db-files").rglob("*")) - before
    next(path for path in new if path.is_file()).unlink()
    assert b"A part of the files is missing" in shell("read", link, "-o", "copy", code=3).stderr


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server that has the files of these tests alone."""
    with platforms.server(tmp_path_factory.mktemp("apart"), "--rate-limit-per-second=0") as platform:
        yield platform


@pytest.fixture
def line(apart: Platform) -> Iterator[Relay]:
    """The way to that server."""
    with relay(apart.url) as line:
        yield line


def started(shell: Shell, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "crypt_api", *arguments]
    return subprocess.Popen(command, cwd=shell.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603


def wait_until(process: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_kill_9_and_resume(shell: Shell, apart: Platform, line: Relay) -> None:
    """Of the sender after some parts, and then of the reader: both go on, to the same bytes."""
    made(shell.folder, {"big": os.urandom(4 * MAX_PART_BYTES + 1)})
    state = shell.folder.parent / "state/crypt-api/uploads"
    arguments = ("send", "--file", "big", "--server", line.url)
    line.hold("PUT", after=3)
    sender = started(shell, *arguments)
    wait_until(sender, lambda: any(path.read_bytes().count(b"\n") > 2 for path in state.glob("*.json")))
    sender.kill()
    assert sender.communicate()[0] == b""
    line.release()
    [journal] = state.iterdir()
    assert journal.stat().st_mode & 0o777 == 0o600
    key = json.loads(journal.read_bytes().partition(b"\n")[0])["key"]
    acknowledged = journal.read_bytes().count(b"\n") - 1
    parts = {path for path in (apart.folder / "messages.db-files").rglob("*") if path.is_file()}
    assert len(parts) >= acknowledged
    result = shell(*arguments, "--resume")
    assert not journal.exists()
    assert len({path for path in (apart.folder / "messages.db-files").rglob("*") if path.is_file()}) == 5
    link = result.stdout.decode().strip()

    line.hold("GET", after=3)  # the message, and two parts
    reader = started(shell, "read", link, "-o", "copy")
    part = shell.folder / "copy.part"
    wait_until(reader, lambda: part.exists() and part.stat().st_size >= MAX_PART_BYTES)
    reader.kill()
    reader.communicate()
    line.release()
    with part.open("r+b") as file:  # as a power cut may leave the part that was written last
        file.seek((part.stat().st_size // MAX_PART_BYTES - 1) * MAX_PART_BYTES)
        file.write(bytes(1_000))
    assert (shell.folder / "copy").read_bytes() == b""
    [remembered] = (state.parent / "downloads").iterdir()
    assert remembered.parent.stat().st_mode & 0o777 == 0o700
    assert remembered.stat().st_mode & 0o777 == part.stat().st_mode & 0o777 == 0o600
    assert key in remembered.read_text()
    assert key not in apart.process.output + result.stderr.decode()
    assert parse_link(link).secret is not None
    with Client(line.url) as client, pytest.raises(errors.AlreadyRead):  # it was acknowledged: the lease is over
        client.read(link)
    assert shell("read", link, "-o", "copy").stderr == b"Saved as copy.\n"
    assert (shell.folder / "copy").read_bytes() == (shell.folder / "big").read_bytes()
    assert {path.name for path in shell.folder.iterdir()} == {"big", "copy"}
    assert not remembered.exists()
    assert not [path for path in (apart.folder / "messages.db-files").rglob("*") if path.is_file()]


def test_ctrl_c_withdraws_what_was_sent(shell: Shell, apart: Platform, line: Relay) -> None:
    made(shell.folder, {"big": os.urandom(4 * MAX_PART_BYTES + 1)})
    state = shell.folder.parent / "state/crypt-api/uploads"
    line.hold("PUT", after=3)
    sender = started(shell, "send", "--file", "big", "--server", line.url)
    wait_until(sender, lambda: any(path.read_bytes().count(b"\n") > 2 for path in state.glob("*.json")))
    sender.send_signal(signal.SIGINT)
    assert b"Interrupted" in sender.communicate(timeout=60)[1]
    assert sender.returncode == 130
    assert not [path for path in (apart.folder / "messages.db-files").rglob("*") if path.is_file()]
    assert not list(state.iterdir())


def test_a_reader_that_went_away_can_go_on(shell: Shell) -> None:
    """A large file on its way to a pipe whose reader has left."""
    made(shell.folder, {"big": os.urandom(5 * MB)})
    link = shell.send("--file", "big")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        said = shell("read", link, stdout=pipe, code=9).stderr.decode()
    [folder] = re.findall(r"crypt-api read --resume (\S+) saves it", said)
    assert shell("read", "--resume", folder).stderr.decode() == f"Saved as {folder}/big.\n"
    assert (Path(folder) / "big").read_bytes() == (shell.folder / "big").read_bytes()
    assert [path.name for path in Path(folder).iterdir()] == ["big"]


def test_a_full_disk_can_be_cleared(shell: Shell) -> None:
    made(shell.folder, {"big": os.urandom(9 * MB)})
    link = shell.send("--file", "big")
    command = f"ulimit -f 8000; exec {sys.executable} -m crypt_api read '{link}' -o copy"  # blocks of 1,024 bytes
    full = subprocess.run(["bash", "-c", command], cwd=shell.folder, capture_output=True, timeout=60, check=False)  # noqa: S603, S607
    assert full.returncode == 9, full.stderr
    assert b"could not be written (File too large). crypt-api read --resume . goes on." in full.stderr
    assert shell("read", "--resume", ".").stderr == b"Saved as copy.\n"
    assert (shell.folder / "copy").read_bytes() == (shell.folder / "big").read_bytes()


def test_a_bar_shows_bytes(shell: Shell, line: Relay) -> None:
    made(shell.folder, {"big": os.urandom(4 * MAX_PART_BYTES + 1)})
    line.hold("PUT", after=1)
    sender = shell.terminal("send", "--file", "big", "--server", line.url)
    sender.expect(r"Sending .*/16.8 MB")
    line.release()
    link = re.findall(r"http\S+", finished(sender))[0]
    assert "It can be read once" not in link
