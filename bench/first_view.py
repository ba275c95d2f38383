"""How long the page's first view takes on a network whose round trip takes 150 ms, in Chromium.

After `script/bootstrap test`: `.venv/bin/python -m bench.first_view [--latency 150]`. The server itself speaks
HTTP/1.1, and a proxy before it HTTP/2.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.chromium import chromium
from tests.support.platforms import start_server
from tests.support.proxies import BIN, run
from tests.support.services import free_port


def first_view(browser: Browser, url: str, latency: int) -> tuple[float, int]:
    """Milliseconds from the address to a text field that works, and the number of requests."""
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("textarea:visible").first.wait_for()
    seconds = time.perf_counter() - began
    context.close()
    return 1_000 * seconds, len(requests)


CADDYFILE = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
    storage file_system {folder}
}}
https://localhost:{port} {{
    tls internal
    reverse_proxy 127.0.0.1:{upstream}
}}
"""


@contextmanager
def http2(folder: Path, upstream: int) -> Iterator[str]:
    """A proxy before the server that speaks HTTP/2, with a certificate of its own."""
    port = free_port()
    config = folder / "Caddyfile"
    config.write_text(CADDYFILE.format(folder=folder, port=port, upstream=upstream))
    with run([str(BIN / "caddy"), "run", "--adapter=caddyfile", f"--config={config}"], folder, port):
        yield f"https://localhost:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=int, default=150, help="milliseconds")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        start_server("--store=memory:", "--rate-limit-per-second=0") as process,
        http2(Path(folder), process.port) as url,
        chromium() as browser,
    ):
        for name, address in (("HTTP/1.1", process.url), ("HTTP/2", url)):
            for latency in (0, options.latency):
                found = [first_view(browser, address, latency) for _ in range(5)]
                milliseconds = statistics.median(one for one, _ in found)
                print(f"{name}, {latency} ms: {milliseconds:.0f} ms, {found[-1][1]} requests")


if __name__ == "__main__":
    main()
