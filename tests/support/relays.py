"""A relay before the service that holds requests back: what a test does meanwhile need not be fast."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.platforms import NO_TLS


class Relay(ThreadingHTTPServer):
    """Passes requests on, but for those that are held."""

    daemon_threads = True

    def __init__(self, service: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.client = httpx.Client(base_url=service, timeout=60, verify=NO_TLS)
        self._lock = threading.Lock()
        self._held = ""
        self._passing = 0
        self._is_released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def hold(self, method: str, *, after: int = 0) -> None:
        """Let so many requests with this method pass, and hold all later ones."""
        self._held, self._passing = method, after
        self._is_released.clear()

    def release(self) -> None:
        """Drop what is held, as a line does that breaks, and hold no more."""
        self._held = ""
        self._is_released.set()

    def passes(self, method: str) -> bool:
        """Whether a request may pass; if not, it has been held until all were released."""
        with self._lock:
            if method != self._held:
                return True
            self._passing -= 1
            if self._passing >= 0:
                return True
        self._is_released.wait()
        return False


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.server.passes(self.command):
            return
        response = self.server.client.request(self.command, self.path, headers=dict(self.headers), content=body)
        self.send_response(response.status_code)
        for name, value in response.headers.multi_items():
            if name not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_GET = do_PUT = do_POST = do_DELETE = _relay  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@contextmanager
def relay(service: str) -> Iterator[Relay]:
    with Relay(service) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.release()
            server.shutdown()
            server.client.close()
