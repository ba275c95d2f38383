"""Why a database's file cannot be opened: the sentence that its operator gets."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from crypt_api.server.stores import open_store
from crypt_api.server.stores.reporting import NoObserver
from crypt_api.server.stores.sqlite.path_problem import path_problem
from crypt_core.store import StorageUnavailable


def test_nothing_is_wrong_with_a_file_that_can_be_made(tmp_path: Path) -> None:
    assert path_problem(tmp_path / "messages.db") == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", "it is a folder; name a file in it"),
        ("none/messages.db", "there is no folder"),
        ("pipe", "it is a device, a pipe or a socket, and not a file"),
    ],
)
def test_the_start_says_what_is_wrong_with_the_path(tmp_path: Path, path: str, text: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageUnavailable, match=f"cannot open {tmp_path}.*: {text}"):
        open_store(f"sqlite:///{tmp_path / path}", observer=NoObserver())
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert path_problem(tmp_path / "messages.db") == "its file system is read-only"


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "messages.db"
    path.touch()
    monkeypatch.setattr(os, "access", lambda place, _: place != path)  # root may do everything
    monkeypatch.setattr(os, "geteuid", lambda: 10_001)
    owner = path.stat().st_uid
    expected = f"{path} belongs to the user {owner}, and may not be written by this process, of the user 10001"
    assert path_problem(path) == expected


def test_a_folder_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is anything in it cannot be seen."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda place, _: place != folder)
    monkeypatch.setattr(os, "geteuid", lambda: 10_001)
    owner = folder.stat().st_uid
    expected = f"{folder} belongs to the user {owner}, and may not be entered by this process, of the user 10001"
    assert path_problem(folder / "more" / "messages.db") == expected


def test_a_link_to_itself_and_a_name_that_is_too_long(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "link.db")
    for name, text in (("link.db", "Too many levels of symbolic links"), ("x" * 300, "File name too long")):
        with pytest.raises(StorageUnavailable, match=f"cannot open {tmp_path}/{name}: {text}"):
            open_store(f"sqlite:///{tmp_path}/{name}", observer=NoObserver())
