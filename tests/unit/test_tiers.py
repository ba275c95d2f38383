"""The tests of the tests: a tier is what it says."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import tiers
from tests.support.isolation import WRITTEN_FILES, refuse
from tests.support.platforms import ROOT


def test_each_folder_of_tests_is_a_tier() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {*tiers.TIERS, "support"}


def test_a_test_that_lies_in_a_folder_belongs_to_its_tier(request: pytest.FixtureRequest) -> None:
    assert [mark.name for mark in request.node.iter_markers() if mark.name in tiers.TIERS] == ["unit"]


def test_a_unit_test_cannot_start_a_process() -> None:
    with pytest.raises(AssertionError, match="does not belong in this tier"):
        subprocess.run([sys.executable, "--version"], check=True)
    with pytest.raises(AssertionError, match="does not belong in this tier"):
        os.fork()


def test_a_unit_test_cannot_connect() -> None:
    with socket.socket() as connection, pytest.raises(AssertionError, match="does not belong in this tier"):
        connection.connect(("127.0.0.1", 9))


def test_a_unit_test_writes_no_file_and_may_read_one() -> None:
    path = Path(__file__)
    with refuse(WRITTEN_FILES):  # what is refused already stays refused afterwards
        assert path.read_text()
    with pytest.raises(AssertionError, match="does not belong in this tier"):
        path.with_name("new").write_text("")
    assert not path.with_name("new").exists()


@pytest.mark.parametrize(("folder", "refused"), [("unit", False), ("contract", False), ("http", True), ("cli", True)])
def test_a_tier_that_needs_more_than_python_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    refused: bool,  # noqa: FBT001
) -> None:
    session: Any = SimpleNamespace(items=[SimpleNamespace(path=ROOT / "tests" / folder / "test_it.py")])
    tiers.pytest_collection_finish(session)
    monkeypatch.setattr(tiers, "NEEDED", [ROOT / "not there"])
    if not refused:
        tiers.pytest_collection_finish(session)
        return
    with pytest.raises(pytest.UsageError, match=r"^run script/bootstrap test first: there is no .*/not there$"):
        tiers.pytest_collection_finish(session)
