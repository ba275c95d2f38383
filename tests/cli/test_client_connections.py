"""Connections of the Python client: each process and each event loop has its own."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from crypt_api import AsyncClient

STATE = b'{"state": "unread", "passphrase": false, "reads_left": 1, "at": null, "expires_at": "2100-01-01T00:00:00Z"}'

FORKS = """
import os, sys
from crypt_api import Client
client, link = Client(sys.argv[1]), f"{sys.argv[1]}/#{'A' * 22}"
client.receipt(link)
if child := os.fork():  # one after the other: at the same moment, they would also wait for lost responses
    _, status = os.waitpid(child, 0)
    assert status == 0
client.receipt(link)
"""


class Service(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(STATE)))
        self.end_headers()
        self.wfile.write(STATE)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that counts connections."""
    with Service(("127.0.0.1", 0), Handler) as service:
        thread = Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_after_a_fork_two_processes_share_no_connection(service: Service) -> None:
    """On one connection, each would get responses of the other one: another message than it asked for."""
    address = f"http://127.0.0.1:{service.server_port}"
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS, address], check=True, timeout=60)  # noqa: S603
    assert service.connections == 2


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_client_serves_one_event_loop_after_the_other(service: Service) -> None:
    """`asyncio.run` ends its loop, and with it the connections, which nobody can close any more: hence the warnings."""
    assert _ask_in_two_loops(f"http://127.0.0.1:{service.server_port}") == ["unread", "unread"]
    assert service.connections == 2
    gc.collect()


def _ask_in_two_loops(address: str) -> list[str]:
    client = AsyncClient(address)

    async def ask(*, is_last: bool) -> str:
        receipt = await client.receipt(f"{address}/#{'A' * 22}")
        if is_last:
            await client.aclose()
        return receipt.state

    return [asyncio.run(ask(is_last=is_last)) for is_last in (False, True)]
