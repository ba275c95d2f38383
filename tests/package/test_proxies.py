"""The proxies' configurations of `deploy/`, in front of a real server: Caddy and nginx."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import LONG_IDS, Process, start_server
from tests.support.proxies import PROXIES, Proxy, caddy, client_at, nginx
from tests.support.rate import within_a_second
from tests.support.services import free_port


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return PROXIES[request.param]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    flags = (
        f"--store=sqlite:///{tmp_path}/messages.db",
        "--trusted-proxies=127.0.0.1",
        "--misses-per-hour=0",
        LONG_IDS,
    )
    with start_server(*flags) as process:
        yield process


def logs(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.glob("*log*"))


def test_each_client_has_its_own_limit_whatever_it_says_of_itself(
    proxy: Proxy, server: Process, tmp_path: Path
) -> None:
    with proxy(tmp_path, server.port) as url, client_at("127.0.0.2", url) as one, client_at("127.0.0.3", url) as other:
        forged = [{"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"} for n in range(4)]
        answers = within_a_second(lambda: [one.get("/zzzzz", headers=headers) for headers in forged])
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert other.get("/zzzzz").status_code == 404


def test_messages_come_through_and_ids_stay_out_of_the_log(proxy: Proxy, server: Process, tmp_path: Path) -> None:
    with proxy(tmp_path, server.port) as url, client_at("127.0.0.4", url) as someone:
        message_id = someone.post("/", json={"message": "x" * 102_400}).json()["id"]
        assert someone.get(f"/{message_id}").json() == {"message": "x" * 102_400}
        assert someone.post("/", json={"message": "x" * 102_401}).json() == {
            "error": "Message exceeds maximum size of 100KB"
        }
        server.stop()
        away = someone.get(f"/{message_id}")
        assert away.status_code in (502, 503)
        assert "Nothing was read" not in away.text  # a request of a program may have read it
        page = someone.get(f"/{message_id}", headers={"Sec-Fetch-Mode": "navigate"})
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert "Nothing was read" in page.text
        revealed = someone.post(f"/{message_id}/reveal", headers={"Sec-Fetch-Mode": "navigate"})
        assert revealed.text == away.text
    assert message_id not in logs(tmp_path)
    assert "xxxxx" not in logs(tmp_path)


def test_nginx_logs_no_id_when_it_cannot_even_try_to_connect(tmp_path: Path) -> None:
    """As where SELinux forbids it: nginx tells that at a level above `error`, and quotes the request."""
    with nginx(tmp_path, free_port(), settings="proxy_bind 192.0.2.1;") as url:
        assert httpx.get(f"{url}/an-id").status_code in (500, 502)
    assert "an-id" not in logs(tmp_path)


def test_the_server_knows_the_scheme(proxy: Proxy, server: Process, tmp_path: Path) -> None:
    with proxy(tmp_path, server.port) as url:
        assert f"{url}/ID" in httpx.get(url, headers={"X-Forwarded-Proto": "https"}).text


def test_metrics_are_not_handed_out(proxy: Proxy, tmp_path: Path) -> None:
    """Not even if the operator puts the address of the metrics there."""
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--metrics=127.0.0.1:0")
    with start_server(*flags) as server:
        metrics = server.wait_for(r"metrics on (http\S+)")
        assert httpx.get(f"{metrics}/-/metrics").status_code == 200
        with proxy(tmp_path, httpx.URL(metrics).port or 0) as url:
            assert httpx.get(f"{url}/-/metrics").status_code == 404


def test_caddy_lets_a_request_wait_for_a_server_that_restarts(tmp_path: Path) -> None:
    port = free_port()
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--trusted-proxies=127.0.0.1", f"--port={port}")
    with (
        start_server(*flags) as server,
        caddy(tmp_path, server.port, try_duration="25s") as url,
        client_at("127.0.0.5", url) as someone,
        ThreadPoolExecutor(2) as threads,
    ):
        message_id = someone.post("/", json={"message": "first"}).json()["id"]
        server.stop()
        waiting = [
            threads.submit(someone.post, "/", json={"message": "second"}),
            threads.submit(someone.get, f"/{message_id}"),
        ]
        with start_server(*flags):
            created, read = (request.result() for request in waiting)
            assert (created.status_code, read.json()) == (200, {"message": "first"})


CACHES = {
    "cache": "proxy_cache_path {} keys_zone=all:1m; proxy_cache all; proxy_cache_valid any 1m; "
    "proxy_ignore_headers Cache-Control;",
    "store": "proxy_store {}$uri.file;",
}


@pytest.mark.parametrize("settings", CACHES.values(), ids=CACHES)
def test_a_cache_for_all_sites_of_nginx_reads_and_keeps_no_message(
    server: Process, tmp_path: Path, settings: str
) -> None:
    """A cache asks the server with GET for what a client asks with HEAD."""
    folder = tmp_path / "cache"
    with nginx(tmp_path, server.port, settings=settings.format(folder)) as url, client_at("127.0.0.8", url) as someone:
        message_id = someone.post("/", json={"message": "secret"}).json()["id"]
        assert someone.head(f"/{message_id}").status_code in (200, 405)
        assert someone.get(f"/{message_id}").json() == {"message": "secret"}
        assert someone.get(f"/{message_id}").status_code == 404
    assert not [path for path in folder.rglob("*") if path.is_file()]


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
