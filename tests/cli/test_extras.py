"""The client and the server are installed by extras, and neither needs the other's libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import crypt_api
from crypt_api.cli import main
from crypt_api.extras import MissingExtra, load


@pytest.mark.parametrize(
    ("imports", "unwanted"),
    [
        ("import crypt_api, crypt_api.server.asgi, crypt_api.server", ["httpx", "rich", "segno"]),
        ("from crypt_api import Client", ["httptools", "prometheus_client", "segno"]),
    ],
)
def test_a_part_does_not_import_the_other_parts_libraries(imports: str, unwanted: list[str]) -> None:
    program = f"import sys; {imports}; sys.exit(bool(set(sys.modules) & set({unwanted!r})))"
    assert subprocess.run([sys.executable, "-c", program], check=False, env=os.environ).returncode == 0  # noqa: S603


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "needs_a_library.py").write_text("import not_installed")
    with pytest.raises(MissingExtra, match=r"needs the extra 'client' or 'server'.*\[client,server\]"):
        load("needs_a_library", "client", "server")


def test_the_help_of_a_command_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "crypt_api.cli.mcp", raising=False)
    said = CliRunner().invoke(main, ["mcp", "--help"]).stdout
    assert "needs the extra 'mcp'" in " ".join(said.split())


def test_a_mistake_of_our_own_is_not_a_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError):
        load("crypt_api.not_there", "client")


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'crypt_api' has no attribute 'clinet'"):
        _ = crypt_api.clinet  # type: ignore[attr-defined]
