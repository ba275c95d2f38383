"""A real S3 server on loopback, over a folder: one that all tests share, or one that a test may kill."""

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.support.services import Service, free_port, shared

BINARY = Path(sys.executable).with_name("versitygw")
BUCKET = "files"
CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket"}
"""Variables, as the service reads them."""


class S3Server(Service):
    """A process of versitygw, with one bucket."""

    def __init__(self, folder: Path) -> None:
        self.objects = folder / "s3" / BUCKET
        self.objects.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        super().__init__(
            [BINARY, "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", self.objects.parent],
            {
                "ROOT_ACCESS_KEY": CREDENTIALS["AWS_ACCESS_KEY_ID"],
                "ROOT_SECRET_KEY": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            },
        )

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


@cache
def shared_s3() -> S3Server:
    """One server for all tests that do not harm it; each test has a prefix of its own."""
    return shared(S3Server)
