"""Runs `crypt-api` as a shell does, and at a terminal."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pexpect


class Shell:
    """Runs the command in a folder of its own."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.server = server
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("CRYPT_API_")}
        self._environment["CRYPT_API_SERVER"] = server

    def __call__(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        code: int = 0,
        env: dict[str, str] | dict[bytes, bytes] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        result = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "crypt_api", *arguments],
            cwd=self.folder,
            env=self._environment | {os.fsdecode(name): os.fsdecode(value) for name, value in (env or {}).items()},
            input=stdin,
            stdout=stdout,
            stderr=stderr,
            timeout=60,
            check=False,
        )
        assert result.returncode == code, result.stderr
        assert b"Traceback" not in (result.stderr or b"")
        return result

    def send(self, *arguments: str | bytes, stdin: bytes = b"") -> str:
        return self("send", *arguments, stdin=stdin).stdout.decode().rstrip("\n")

    def file(self, secret: str) -> str:
        """Write a file with this secret, and give its name."""
        (self.folder / "secret").write_text(secret + "\n")
        return "secret"

    def terminal(self, *arguments: str, env: dict[str, str] | None = None) -> "pexpect.spawn[str]":
        """Run the command at a terminal, where a person sits."""
        return self.program(sys.executable, "-m", "crypt_api", *arguments, env=env)

    def program(self, *command: str, env: dict[str, str] | None = None) -> "pexpect.spawn[str]":
        """Run any program at a terminal."""
        return pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(self.folder),
            env={**self._environment, "TERM": "xterm-256color", **(env or {})},
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 200),
        )


def finished(terminal: "pexpect.spawn[str]", code: int = 0) -> str:
    """Wait for the end of the command; give what it printed since it was last read."""
    terminal.expect(pexpect.EOF)
    terminal.wait()  # the terminal closes a little before the process has ended, and `close` would kill it
    terminal.close()
    assert terminal.exitstatus == code, terminal.before
    return terminal.before or ""
