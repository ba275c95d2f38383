"""A server whose store cannot go on ends, with a line in the log and a code that a supervisor sees."""

import sys
from pathlib import Path

import httpx
import pytest

from crypt_api.server.stores.sqlite.system import EXIT_CODE
from tests.support.platforms import Process

PROGRAM = """
from crypt_api.__main__ import main
from crypt_api.server.stores.sqlite.group_commit import GroupCommit

def fail(self, group, decided):
    raise MemoryError("abc12 and a secret")

GroupCommit.apply = fail
main()
"""


def test_a_store_that_cannot_go_on_ends_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "serve", "--port=0", f"--store=sqlite:///{tmp_path}/messages.db"]
    with Process(command) as process:
        with pytest.raises(httpx.HTTPError):
            httpx.post(process.url, json={"message": "hello"})
        assert process.wait() == EXIT_CODE
    assert "CRITICAL the store cannot go on, and the process ends: MemoryError" in process.output
    assert "secret" not in process.output
