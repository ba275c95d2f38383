"""The built wheel, installed into empty environments: what a user gets."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import ROOT, Process

UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [str(UV), "build", "--wheel", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir"]
    subprocess.run([*command, str(folder)], cwd=ROOT, check=True)  # noqa: S603
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_the_service_and_no_worker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"crypt_core/http/app.py", "crypt_core/templates/reveal.html", "crypt_api/cli/send.py"} <= names
    assert {"crypt_core/py.typed", "crypt_api/py.typed"} <= names
    page = {str(path.relative_to(ROOT)) for path in (ROOT / "crypt_api/static/-").rglob("*.*")}
    assert page <= names
    assert {name.split("/")[0] for name in names} == {"crypt_api", "crypt_core", "crypt_api-0.1.0.dist-info"}


def install(folder: Path, requirement: str) -> Path:
    """Install into a new environment, with the pinned versions; give the folder of its programs."""
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)  # noqa: S603
    command = [str(UV), "pip", "install", "--quiet", "--python", str(folder), requirement]
    subprocess.run([*command, "--constraint", "requirements/test.txt"], cwd=ROOT, check=True)  # noqa: S603
    return folder / "bin"


def test_a_fresh_installation_sends_and_reads(wheel: Path, tmp_path: Path) -> None:
    server = install(tmp_path / "server", f"crypt-api[server] @ {wheel.as_uri()}")
    client = install(tmp_path / "client", f"crypt-api[client] @ {wheel.as_uri()}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CRYPT_API_", "COV_", "PYTHONPATH"))}
    serve = [str(server / "crypt-api"), "serve", "--port=0", "--store", f"sqlite:///{tmp_path}/messages.db"]

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "crypt-api"), *arguments]
        return subprocess.run(  # noqa: S603
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    with Process(serve, cwd=tmp_path, env={"COVERAGE_PROCESS_START": ""}) as process:
        url = process.url
        link = run(client, "send", "secret", "--server", url).stdout.strip()
        assert run(client, "read", link).stdout == "secret"
        assert run(client, "read", link).returncode == 4
        page = httpx.get(url, headers={"Accept": "text/html"}).text
        for path in re.findall(r'(?:src|href)="(/-/[^"]+)"', page):
            assert httpx.get(url + path).status_code == 200
        assert 'src="/-/main.js"' in page
    # Without its extra, each part says what it needs, and the other part works.
    assert "needs the extra 'server'" in run(client, "serve").stderr
    assert "needs the extra 'client'" in run(server, "send", "x").stderr
    assert run(server, "--help").returncode == 0
    command = [str(server / "python"), "-c", "from crypt_api import Client"]
    missing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert "MissingExtra: This needs the extra 'client'" in missing.stderr


PINS = str(ROOT / "requirements/test.txt")
TOOL_INSTALLERS = {
    "uv": [str(UV), "tool", "install", "--force", "--python", sys.executable, "--constraints", PINS],
    "pipx": [sys.executable, "-m", "pipx", "install", "--force", f"--pip-args=--constraint={PINS}"],
}


@pytest.mark.parametrize("installer", TOOL_INSTALLERS)
def test_an_installed_tool(wheel: Path, tmp_path: Path, installer: str) -> None:
    """Without an extra, the tool says what is missing; with both, all commands work."""
    folders = {"UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "tools", "PIPX_BIN_DIR": "bin"}
    environment = os.environ | {name: str(tmp_path / folder) for name, folder in folders.items()}
    environment["COVERAGE_PROCESS_START"] = ""
    command = str(tmp_path / "bin" / "crypt-api")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def install(extras: str) -> None:
        result = run(*TOOL_INSTALLERS[installer], f"crypt-api{extras} @ {wheel.as_uri()}")
        assert result.returncode == 0, result.stderr

    install("")
    missing = run(command, "send", "secret")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "uv tool install '.[client,server]'" in missing.stderr
    assert "Traceback" not in missing.stderr
    install("[client,server]")
    for name in ("send", "read", "status", "burn", "serve"):
        assert "Usage:" in run(command, name, "--help").stdout


def test_users_get_the_types(wheel: Path, tmp_path: Path) -> None:
    python = install(tmp_path / "client", f"crypt-api[client] @ {wheel.as_uri()}") / "python"
    program = tmp_path / "program.py"
    program.write_text("from crypt_api import Client\n\nreveal_type(Client('').send('').expires_at)\n")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "--python-executable", str(python)]
    result = subprocess.run([*mypy, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert 'Revealed type is "datetime.datetime"' in result.stdout
    assert result.returncode == 0, result.stdout
