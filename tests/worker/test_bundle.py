"""What is uploaded to Cloudflare."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from tests.support.platforms import NODE, ROOT


def test_the_bundle_is_the_worker_and_nothing_else(tmp_path: Path) -> None:
    """`wrangler deploy --dry-run`, as the workflow calls it, checks wrangler.toml and lists what would be uploaded."""
    [arguments] = re.findall(r"pywrangler (deploy .*)", (ROOT / ".github/workflows/deploy.yml").read_text())
    wrangler = ROOT / "tools/workerd/node_modules/wrangler/bin/wrangler.js"
    command = [str(NODE), str(wrangler), *shlex.split(arguments), "--dry-run", "--outdir", str(tmp_path / "out")]
    environment = os.environ | {"WRANGLER_SEND_METRICS": "false", "CI": "true", "XDG_CONFIG_HOME": str(tmp_path)}
    environment["PATH"] = f"{NODE.parent}:{environment['PATH']}"
    result = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout + result.stderr
    uploaded = set(re.findall(r"│ (\S+) +│ python │", result.stdout))
    # The main module itself and the Workers SDK ("Vendored Modules") are not listed by name.
    ours = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert uploaded == ours - {"entry.py"}
    assert {path.partition("/")[0] for path in uploaded} == {"crypt_core", "crypt_worker"}
    [size] = re.findall(r"Total Upload: ([\d.]+) KiB", result.stdout)
    assert float(size) < 640  # 111 are the SDK, 209 the texts in eleven languages; Cloudflare takes 3 MB, compressed
    for binding in (
        "env.MESSAGES ",
        "env.MESSAGE_SHARDS (MessageShard)",
        "env.RATE_LIMITER (100 ",
        "env.RATE_LIMIT_PER_SECOND",
    ):
        assert binding in result.stdout
