"""The two platforms of the service, each started as its operators start it, and clients that speak HTTP to them."""

import asyncio
import itertools
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parent.parent.parent
NODE = Path(sys.executable).with_name("node")
START_TIMEOUT = 240.0  # seconds; only ever used up by something that does not start at all

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Every client would read the system's certificates, which takes longer than what it asks for."""


LONG_IDS = "--id-length=20"
"""For tests that look for an id in a text: five characters may be there by chance."""


class Process:
    """A program that says `listening on URL`, and everything else it says."""

    def __init__(self, command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=cwd,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                with self._news:
                    self.lines.append(line)
                    self._news.notify_all()
        with self._news:
            self.lines.append("")  # its end
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str) -> str:
        """Wait for a line with `pattern`, and give the pattern's first group."""
        found: re.Match[str] | None = None

        def said() -> bool:
            nonlocal found
            found = re.search(pattern, self.output)
            return found is not None or self.lines[-1:] == [""]

        with self._news:
            self._news.wait_for(said, START_TIMEOUT)
        assert found is not None, f"never said {pattern!r}, but:\n{self.output}"
        return found[1]

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        return self.wait_for(r"listening on (http\S+)")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it, and what it started, as a power cut would."""
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; give its exit code."""
        self.send_signal(number)
        return self.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self) -> int:
        code = self._process.wait(START_TIMEOUT)
        self._reader.join()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()


class Connection:
    """One connection, without the weight of an HTTP client: races are run by the thousand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address_header: str) -> None:
        self._reader = reader
        self._writer = writer
        self._address_header = address_header

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        fields = {"Host": "x", self._address_header: next(_addresses), **(headers or {})}
        if content:
            fields["Content-Length"] = str(len(content))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        [length] = re.findall(r"(?i)content-length: (\d+)", answer)
        return int(answer[9:12]), json.loads(await self._reader.readexactly(int(length)))

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True)
class Platform:
    """A running service.

    Attributes:
        address_header: Where the service believes a client's address to be, when it comes from here.
        control: Where the Worker's KV can be looked at.
        folder: Where the server keeps its database.
    """

    name: str
    url: str
    process: Process
    address_header: str
    control: str = ""
    folder: Path = Path()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def next_address(self) -> str:
        """An address that no request has come from."""
        return next(_addresses)

    def client(self, address: str | None = None) -> httpx.Client:
        """A client at `address`; without one each request comes from another place, so that no limit is met."""
        hooks = {"request": [self._from(address)]}
        return httpx.Client(base_url=self.url, event_hooks=hooks, timeout=60, verify=NO_TLS)

    async def connect(self) -> "Connection":
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port), self.address_header)

    def _from(self, address: str | None):  # type: ignore[no-untyped-def]  # noqa: ANN202
        def hook(request: httpx.Request) -> None:
            request.headers.setdefault(self.address_header, address or next(_addresses))

        return hook


_addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))


def start_server(*flags: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Process:
    return Process([sys.executable, "-m", "crypt_api", "serve", "--port=0", *flags], cwd=cwd, env=env)


def start_worker(*flags: str) -> Process:
    """Start the Worker; without Cloudflare's rate-limiting binding, whose stand-in takes long."""
    command = [str(NODE), "tools/workerd/serve.mjs", "--port", "0", "--control-port", "0", "--without-rate-limits"]
    return Process([*command, *flags])


@contextmanager
def server(folder: Path, *flags: str, env: dict[str, str] | None = None) -> Iterator[Platform]:
    store = f"--store=sqlite:///{folder}/messages.db"
    with start_server(store, "--trusted-proxies=127.0.0.1", *flags, env=env) as process:
        yield Platform("server", process.url, process, "X-Forwarded-For", folder=folder)


@contextmanager
def worker(*flags: str) -> Iterator[Platform]:
    with start_worker(*flags) as process:
        yield Platform("worker", process.url, process, "CF-Connecting-IP", process.wait_for(r"control on (http\S+)"))
