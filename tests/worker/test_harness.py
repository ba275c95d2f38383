"""`tools/workerd`, which runs the Worker here."""

import subprocess

import pytest

from tests.support.platforms import NODE, ROOT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], "--port must be from 0 to 65535, not x"),
        (["--var", "NAME"], "--var must be NAME:VALUE, not NAME"),
        (["--project", "tests"], "there is no wrangler.toml in"),
        (["--colour"], "Unknown option '--colour'"),
    ],
)
def test_the_harness_names_mistakes(arguments: list[str], words: str) -> None:
    command = [str(NODE), "tools/workerd/serve.mjs", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert result.returncode == 1
    assert words in result.stderr
