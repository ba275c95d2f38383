"""The README's examples do what the README says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.platforms import ROOT, start_server

README = (ROOT / "README.md").read_text()
EXAMPLE_ID = "k3x9q"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start_server("--store=memory:", "--rate-limit-per-second=0") as server:
        yield server.url


def test_the_readmes_python_works(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(program.replace("http://127.0.0.1:8787", url), {})  # noqa: S102 - our own
    assert capsys.readouterr().out == "unread\n"


BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=["terminal", "curl", "JSON"])
def test_the_readmes_commands_print_what_it_says(block: str, url: str, tmp_path: Path) -> None:
    """The lines are typed into one shell, with the address of a server that runs, and the id that it gives."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    typed, message_id = "", EXAMPLE_ID
    block = block.replace("http://127.0.0.1:8787", url)
    for command, output in re.findall(r"^\$ (.*)\n((?:[^$\n].*\n)*)", block, re.MULTILINE):
        words = command.replace(EXAMPLE_ID, message_id)
        typed += f"{words}\n" if words.startswith("export ") else ""
        result = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", typed + words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        if (place := output.find(EXAMPLE_ID)) >= 0:
            message_id = result.stdout[place:][: len(EXAMPLE_ID)]
        assert result.stdout == output.replace(EXAMPLE_ID, message_id), result.stderr
