"""A single sign-on before the server: no client says by itself who it is, and the lines of the operator's page work."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import LONG_IDS, ROOT, Process, start_server
from tests.support.proxies import PROXIES

OPERATIONS = (ROOT / "docs/operations.md").read_text()
NAMES = (
    "X-Auth-Request-Email", "X-Auth-Request-User", "X-Forwarded-Email", "X-Forwarded-User", "Remote-Email",
    "Remote-User", "Cf-Access-Authenticated-User-Email",
)  # fmt: skip
ALICE = {"Cookie": "session=alice"}
FORGED = dict.fromkeys(NAMES, "mallory@example.org")


class Upstream(ThreadingHTTPServer):
    """Notes the heads of its requests; as a sign-on, it knows a session by its cookie."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heads: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        self.server.heads.append(f"{self.requestline}\n{self.headers}")
        is_known = self.headers["Cookie"] == ALICE["Cookie"]
        self.send_response(202 if is_known or self.path != "/oauth2/auth" else 401)
        if is_known:
            self.send_header("X-Auth-Request-Email", "alice@example.org")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def server_behind(folder: Path) -> Iterator[Process]:
    flags = (
        "--trusted-proxies=127.0.0.1",
        "--create-header=X-Auth-Request-Email",
        "--rate-limit-per-second=0",
        LONG_IDS,
    )
    with start_server(f"--store=sqlite:///{folder}/messages.db", "--metrics=127.0.0.1:0", *flags) as process:
        yield process


@pytest.mark.parametrize("name", PROXIES)
def test_no_client_says_by_itself_who_has_signed_on(name: str, upstream: Upstream, tmp_path: Path) -> None:
    with PROXIES[name](tmp_path, upstream.server_port) as url:
        assert httpx.get(f"{url}/abc12", headers=FORGED).status_code == 202
    assert "GET /abc12 " in "".join(upstream.heads)
    assert "mallory" not in "".join(upstream.heads)


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", OPERATIONS, re.DOTALL)


def with_sign_on(name: str, configuration: str) -> str:
    """The proxy's configuration with the lines of the operator's page where the page says that they go."""
    if name == "caddy":
        [lines] = snippets("caddyfile")
        head, last, tail = configuration.rpartition("\t\trequest_header -")
        end = tail.index("\n") + 1
        return head + last + tail[:end] + lines + tail[end:]
    places, lines = snippets("nginx")
    head, last, tail = configuration.rpartition("    location / ")
    return head + places + last + tail.replace('proxy_set_header X-Auth-Request-Email "";\n', lines)


@pytest.mark.parametrize("name", PROXIES)
def test_who_has_signed_on_sends_and_everybody_reads(name: str, upstream: Upstream, tmp_path: Path) -> None:
    def change(configuration: str) -> str:
        return with_sign_on(name, configuration).replace("127.0.0.1:4180", f"127.0.0.1:{upstream.server_port}")

    with server_behind(tmp_path) as server, PROXIES[name](tmp_path, server.port, change=change) as url:
        created = httpx.post(url, json={"message": "secret"}, headers=ALICE | FORGED)
        assert created.status_code == 200
        message_id = created.json()["id"]
        for stranger in ({}, FORGED):
            refused = httpx.post(url, json={"message": "secret"}, headers=stranger)
            assert (refused.status_code, refused.json()["code"]) == (401, "token_required")
        assert httpx.get(f"{url}/{message_id}").json() == {"message": "secret"}
        page = {"Sec-Fetch-Mode": "navigate"}
        assert "data-needs-token" in httpx.get(url, headers=page).text
        assert "data-needs-token" not in httpx.get(url, headers=page | ALICE).text
        said = httpx.get(server.wait_for(r"metrics on (http\S+)") + "/-/metrics").text
    assert 'crypt_api_messages_created_by_total{label="alice@example.org"} 1.0' in said
    assert "mallory" not in said
    assert upstream.heads
    assert message_id not in "".join(upstream.heads)
