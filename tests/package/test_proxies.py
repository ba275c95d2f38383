"""The proxies' configurations of `deploy/`, in front of a real server: Caddy, and nginx where it is installed."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from tests.support.platforms import ROOT, Process, start_server

BIN = Path(sys.executable).parent
NGINX = shutil.which("nginx")


class Proxy(Protocol):
    """Starts a proxy before the servers at the ports, and gives its URL. The folder gets its logs and other files."""

    def __call__(self, folder: Path, *upstreams: int) -> contextlib.AbstractContextManager[str]: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"it ended with {process.wait(0.1)}")
    raise AssertionError("it never listened")


@contextlib.contextmanager
def run(command: list[str], folder: Path, port: int, **variables: str) -> Iterator[str]:
    with (folder / "log").open("wb") as log:
        environment = os.environ | {"HOME": str(folder)} | variables
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            wait_until_it_listens(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@contextlib.contextmanager
def caddy(folder: Path, *upstreams: int) -> Iterator[str]:
    port = free_port()
    command = [str(BIN / "caddy"), "run", "--adapter=caddyfile", f"--config={ROOT / 'deploy/caddy/Caddyfile'}"]
    variables = {
        "SITE_ADDRESS": f"http://127.0.0.1:{port}",
        "UPSTREAMS": " ".join(f"127.0.0.1:{upstream}" for upstream in upstreams),
    }
    with run(command, folder, port, CADDY_ADMIN=f"unix/{folder}/admin", **variables) as url:
        yield url


@contextlib.contextmanager
def nginx(folder: Path, *upstreams: int) -> Iterator[str]:
    """Without TLS, for which it would need a certificate, and on a port that is free."""
    port = free_port()
    block, redirect, site = re.split(
        r"^(?=server \{)", (ROOT / "deploy/nginx/crypt-api.conf").read_text(), flags=re.MULTILINE
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
        f"http {{ access_log {folder}/access.log; {paths} include {folder}/site.conf; }}\n"
    )
    assert NGINX is not None
    with run([NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")], folder, port) as url:
        yield url


PROXIES: Mapping[str, Proxy] = {"caddy": caddy} | ({"nginx": nginx} if NGINX else {})


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return PROXIES[request.param]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--trusted-proxies=127.0.0.1", "--misses-per-hour=0")
    with start_server(*flags) as process:
        yield process


def port_of(server: Process) -> int:
    return int(server.wait_for(r"listening on http\S+:(\d+)"))


def client(url: str, address: str) -> httpx.Client:
    """A client at one of the addresses that are all this machine's."""
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=address), timeout=30)


def logs(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.glob("*log*"))


def test_each_client_has_its_own_limit_whatever_it_says_of_itself(
    proxy: Proxy, server: Process, tmp_path: Path
) -> None:
    with proxy(tmp_path, port_of(server)) as url, client(url, "127.0.0.2") as one, client(url, "127.0.0.3") as other:
        forged = [{"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"} for n in range(4)]
        assert [one.get("/zzzzz", headers=headers).status_code for headers in forged] == [404, 404, 404, 429]
        assert other.get("/zzzzz").status_code == 404


def test_messages_come_through_and_ids_stay_out_of_the_log(proxy: Proxy, server: Process, tmp_path: Path) -> None:
    with proxy(tmp_path, port_of(server)) as url, client(url, "127.0.0.4") as someone:
        message_id = someone.post("/", json={"message": "x" * 102_400}).json()["id"]
        assert someone.get(f"/{message_id}").json() == {"message": "x" * 102_400}
        assert someone.post("/", json={"message": "x" * 102_401}).json() == {
            "error": "Message exceeds maximum size of 100KB"
        }
        server.stop()
        assert someone.get(f"/{message_id}").status_code in (502, 503)
    assert message_id not in logs(tmp_path)
    assert "xxxxx" not in logs(tmp_path)


def test_the_server_knows_the_scheme(proxy: Proxy, server: Process, tmp_path: Path) -> None:
    with proxy(tmp_path, port_of(server)) as url:
        assert f"{url}/ID" in httpx.get(url, headers={"X-Forwarded-Proto": "https"}).text


def test_metrics_are_not_handed_out(proxy: Proxy, tmp_path: Path) -> None:
    """Not even if the operator puts the address of the metrics there."""
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--metrics=127.0.0.1:0")
    with start_server(*flags) as server:
        metrics = server.wait_for(r"metrics on (http\S+)")
        assert httpx.get(f"{metrics}/-/metrics").status_code == 200
        with proxy(tmp_path, httpx.URL(metrics).port or 0) as url:
            assert httpx.get(f"{url}/-/metrics").status_code == 404


class Breaking:
    """A server that takes every request but those for its readiness, and dies of it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.taken: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
            while line := stream.readline():
                while stream.readline().strip():
                    pass
                path = line.split()[1].decode()
                if path not in ("/-/ready", "/warm1"):
                    self.taken.append(path)
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def close(self) -> None:
        self._socket.close()


def test_a_request_that_a_server_may_have_taken_is_not_sent_again(proxy: Proxy, tmp_path: Path) -> None:
    servers = [Breaking(), Breaking()]
    ports = [server.port for server in servers]
    with proxy(tmp_path, *ports) as url, httpx.Client(base_url=url, timeout=30) as someone:
        for _ in range(8):  # leave connections to both that could be kept
            assert someone.get("/warm1").status_code == 200
        assert someone.get("/abc12").status_code == 502
        assert servers[0].taken + servers[1].taken == ["/abc12"]
    for server in servers:
        server.close()
    assert "abc12" not in logs(tmp_path)
