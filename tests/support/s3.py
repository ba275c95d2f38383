"""A real S3 server on loopback, over a folder: one that all tests share, or one that a test may kill."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Self

from tests.support.valkey import free_port, wait_until

BINARY = Path(sys.executable).with_name("versitygw")
BUCKET = "files"
CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket"}
"""Variables, as the service reads them."""


class S3Server:
    """A process of versitygw, with one bucket."""

    def __init__(self, folder: Path) -> None:
        self.objects = folder / "s3" / BUCKET
        self.objects.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start it, again if it was killed."""
        self._process = subprocess.Popen(  # noqa: S603
            [BINARY, "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", self.objects.parent],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "ROOT_ACCESS_KEY": CREDENTIALS["AWS_ACCESS_KEY_ID"],
                "ROOT_SECRET_KEY": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            },
        )
        try:
            wait_until(self.answers, "the S3 server does not start")
        except BaseException:
            self.kill()
            raise

    def url(self, prefix: str) -> str:
        """What `--files` takes; each test has a prefix of its own."""
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    def answers(self) -> bool:
        with suppress(OSError):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5).close()
            except urllib.error.HTTPError as refusal:  # it has seen no credentials
                refusal.close()
            return True
        return False

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@cache
def shared_s3() -> S3Server:
    """One server for all tests that do not harm it; each test has a prefix of its own."""
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    server = S3Server(folder)

    def stop() -> None:
        server.kill()
        shutil.rmtree(folder)

    atexit.register(stop)
    return server
