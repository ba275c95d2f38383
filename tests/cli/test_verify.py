"""`crypt-api verify`: the page that a service gives out is the one that this version ships, or it is not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.support import platforms
from tests.support.platforms import ROOT, Platform
from tests.support.shell import Shell

LOOKS = (
    "--service-name=Otter & Post",
    '--operator=Otter\'s "Cooperative"',
    "--reader-note=Call 555 <now>",
    "--imprint-url=https://example.org/a?b=1&c=2",
    "--accent-colour=#7a1fa2",
    "--logo=data:image/svg+xml;base64,PHN2Zy8+",
    "--max-ttl=604800",
    "--rate-limit-per-second=0",
)


@contextmanager
def changed(platform: Platform, change: Callable[[str, bytes], bytes]) -> Iterator[str]:
    """The address of somebody who gives out the service's page, changed."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            response = httpx.get(platform.url + self.path, headers={"Accept": self.headers["Accept"]})
            body = change(self.path, response.content)
            self.send_response(response.status_code)
            for name in ("Content-Type", "Content-Security-Policy"):
                self.send_header(name, response.headers.get(name, ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as relay:
        thread = threading.Thread(target=relay.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{relay.server_port}"
        relay.shutdown()
        thread.join()


def test_a_page_that_was_changed_is_found_out(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "")
    with platforms.server(tmp_path, *LOOKS) as platform:
        result = shell("verify", platform.url)
        assert b"Every file is the one of crypt-api" in result.stderr
        assert b"/-/envelope.js is as shipped\n" in result.stdout
        with changed(platform, lambda path, body: body + b"//" if path == "/-/envelope.js" else body) as url:
            result = shell("verify", url, code=10)
            assert b"/-/envelope.js is another file\n" in result.stdout
            assert result.stdout.count(b"another") == 1
        script = b'<script src="/-/evil.js"></script><p dir="auto">'
        with changed(platform, lambda _, body: body.replace(b'<p dir="auto">', script)) as url:
            assert b"/ is another page\n" in shell("verify", url, code=10).stdout
    assert b"cannot be reached" in shell("verify", platform.url, code=7).stderr


def test_the_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    lines = Shell(tmp_path, "")("verify", "--hashes").stdout.decode().splitlines()
    hashes = {path: digest for digest, path in (line.split("  ") for line in lines)}
    for path in (ROOT / "crypt_api/static/-").glob("*.*"):
        assert hashes[f"/-/{path.name}"] == sha256(path.read_bytes()).hexdigest()
