"""Who may import whom: dependencies point inwards, and the Worker brings none."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def imports(folder: str) -> dict[str, set[str]]:
    """The modules that each file of `folder` imports, wherever in it."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / folder).rglob("*.py"):
        modules = found.setdefault(str(path.relative_to(ROOT)), set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module)
    assert found
    return found


# What a standard library has and the core must do without: drivers, sockets, threads, files.
NOT_IN_THE_CORE = {"sqlite3", "socket", "ssl", "threading", "multiprocessing", "subprocess", "os", "pathlib"}
NOT_IN_THE_CORE |= {"http.client", "http.server", "urllib.request"}


def are_plain(modules: set[str], *packages: str) -> bool:
    """Whether the modules come from the packages, or from what Python has everywhere."""
    allowed = sys.stdlib_module_names | set(packages)
    return all(name.partition(".")[0] in allowed and name not in NOT_IN_THE_CORE for name in modules)


@pytest.mark.parametrize(("path", "modules"), imports("src/crypt_core").items())
def test_the_core_imports_itself_and_plain_python(path: str, modules: set[str]) -> None:
    assert are_plain(modules, "crypt_core"), path


@pytest.mark.parametrize(("path", "modules"), imports("src/crypt_worker").items())
def test_the_workers_part_imports_the_core_and_plain_python(path: str, modules: set[str]) -> None:
    assert are_plain(modules, "crypt_core", "crypt_worker"), path


@pytest.mark.parametrize(("path", "modules"), imports("crypt_api").items())
def test_the_server_does_not_know_the_worker(path: str, modules: set[str]) -> None:
    tops = {name.partition(".")[0] for name in modules}
    assert not tops & {"crypt_worker", "entry", "workers", "js", "pyodide"}, path


def test_the_worker_has_no_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
