"""`deploy/` as the tools see it that will read it: those that PyPI has, and others where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.platforms import ROOT

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
        ".github/workflows/deploy.yml",
        ".github/workflows/release.yml",
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
