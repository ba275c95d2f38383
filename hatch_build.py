"""The wheel's build hook: with `CRYPT_API_COMPILE=1`, mypyc compiles the modules that each request passes through.

The source is the same in both forms, and each `.py` stays in the wheel: tracebacks quote it. Without the variable the
wheel is pure Python. https://mypyc.readthedocs.io
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = (
    "crypt_api/server/edge",
    "src/crypt_core",
)
"""Folders."""

INTERPRETED = frozenset({
    "crypt_api/server/edge/server.py",  # asyncio calls it, and it holds what mypyc has no types for
    "src/crypt_core/record.py",  # reads `Record.__slots__`, which a compiled class has not
    "src/crypt_core/errors.py",  # interpreted classes inherit from these
    "src/crypt_core/http/errors.py",  # the same
    # No request of a program passes through these: the settings and the pages.
    "src/crypt_core/brand.py",
    "src/crypt_core/settings.py",
    "src/crypt_core/create_tokens.py",
    "src/crypt_core/http/openapi.py",
    "src/crypt_core/http/pages.py",
    "src/crypt_core/http/texts.py",
    "src/crypt_core/http/form_token.py",
    "src/crypt_core/http/damaged_links.py",
})


class CompileHook(BuildHookInterface[Any]):
    """Compiles where that is asked for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled modules to the wheel, which then belongs to one version of Python and one platform."""
        if version == "editable" or os.environ.get("CRYPT_API_COMPILE", "") in {"", "0"}:
            return
        folder = Path(tempfile.mkdtemp(prefix="crypt-api-"))
        compile_into(Path(self.root), folder)
        build_data["force_include"] |= {str(path): str(path.relative_to(folder)) for path in folder.rglob("*.so")}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def modules(root: Path) -> list[str]:
    """The files that are compiled."""
    found = (path.relative_to(root).as_posix() for folder in COMPILED for path in (root / folder).rglob("*.py"))
    return sorted(path for path in found if path not in INTERPRETED and not path.endswith("__init__.py"))


def compile_into(root: Path, folder: Path) -> None:
    """Compile the modules of the checkout at `root` into `folder`, as an import looks for them."""
    from mypyc.build import mypycify  # noqa: PLC0415 - only a build that compiles needs them
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    os.chdir(root)
    extensions = mypycify([*modules(root)], opt_level="3")
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder), tempfile.mkdtemp()
    command.ensure_finalized()
    command.run()
