"""`crypt-api`, as a shell runs it."""

import os
import subprocess
import sys
from pathlib import Path


class Shell:
    """Runs the command in a folder of its own."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("CRYPT_API_")}
        self._environment["CRYPT_API_SERVER"] = server

    def __call__(
        self, *arguments: str, stdin: bytes = b"", code: int = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        result = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "crypt_api", *arguments],
            cwd=self.folder,
            env=self._environment | (env or {}),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == code, result.stderr.decode()
        assert b"Traceback" not in result.stderr
        return result

    def send(self, *arguments: str, stdin: bytes = b"") -> str:
        return self("send", *arguments, stdin=stdin).stdout.decode().rstrip("\n")
