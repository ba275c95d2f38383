"""The Python of the tests is the one that Cloudflare runs."""

import json
import mmap

from tests.support.platforms import ROOT

NODE_MODULES = ROOT / "tools/workerd/node_modules"


def test_the_harness_has_the_pyodide_that_this_workerd_would_load() -> None:
    version = json.loads((NODE_MODULES / "pyodide/package.json").read_text())["version"]
    [workerd] = NODE_MODULES.glob("@cloudflare/workerd-*/bin/workerd")
    with workerd.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as binary:
        assert binary.find(f"'{version}'".encode()) >= 0
