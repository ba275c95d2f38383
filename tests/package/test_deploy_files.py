"""`deploy/` as the tools see it that will read it: those that PyPI has, and others where they are installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.platforms import ROOT, start_server

BIN = Path(sys.executable).parent

CHECKS = {
    "Dockerfile": [BIN / "hadolint", "deploy/Dockerfile"],
    "Caddyfile": [BIN / "caddy", "validate", "--adapter=caddyfile", "--config=deploy/caddy/Caddyfile"],
    "Compose": [
        BIN / "check-jsonschema",
        "--builtin-schema=vendor.compose-spec",
        "deploy/compose.yaml",
        "deploy/compose.single.yaml",
    ],
    "Kubernetes": [BIN / "kubernetes-validate", "--strict", "deploy/kubernetes/crypt-api.yaml"],
    "workflows": [
        BIN / "check-jsonschema",
        "--builtin-schema=vendor.github-workflows",
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.yml")),
    ],
}

# Nobody has these on PyPI: they are run where they are installed.
INSTALLED = {
    "Prometheus' rules": ["promtool", "check", "rules", "deploy/prometheus/alerts.yml"],
    "Prometheus' alerts": ["promtool", "test", "rules", "deploy/prometheus/alerts.test.yml"],
}
CHECKS |= {name: [Path(path), *rest] for name, (tool, *rest) in INSTALLED.items() if (path := shutil.which(tool))}


@pytest.mark.parametrize("check", CHECKS)
def test_a_tool_accepts_it(check: str, tmp_path: Path) -> None:
    command = [str(word) for word in CHECKS[check]]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_images_own_check_asks_the_server_and_no_proxy() -> None:
    """Also where the container has a proxy for everything, in its environment."""
    [_, check] = (ROOT / "deploy/Dockerfile").read_text().split("HEALTHCHECK")
    program = json.loads(check.partition("CMD ")[2].partition("ENTRYPOINT")[0].replace("\\\n", ""))
    proxies = {
        "http_proxy": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "all_proxy": "http://127.0.0.1:9",
    }

    def is_healthy(port: int) -> bool:
        command = [sys.executable, *program[1:]]
        environment = proxies | {"CRYPT_API_PORT": str(port)}
        return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30).returncode == 0  # noqa: S603

    with start_server("--store=memory:", "--host=::") as server:
        port = server.port
        assert is_healthy(port)
    assert not is_healthy(port)


@pytest.mark.parametrize("name", ["crypt-api.service", "crypt-api@.service"])
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    """Each line is a setting of a known section; where systemd is installed, it says so itself."""
    unit = (ROOT / "deploy/systemd" / name).read_text()
    for line in unit.splitlines():
        assert line in ("", "[Unit]", "[Service]", "[Install]") or line.startswith("#") or "=" in line, line
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:
        here = tmp_path / name.replace("@", "@8781")
        here.write_text(unit.replace("/opt/crypt-api/bin/crypt-api", "/bin/true"))  # it is not installed here
        result = subprocess.run([analyze, "verify", str(here)], capture_output=True, text=True, check=False)  # noqa: S603
        assert (result.returncode, result.stderr) == (0, "")
