"""How long the page's first view takes on a network whose round trip takes 150 ms, in Chromium.

After `script/bootstrap test`: `.venv/bin/python -m bench.first_view [--latency 150]`.
"""

import argparse
import statistics
import time

from playwright.sync_api import Browser

from tests.support.chromium import chromium
from tests.support.platforms import start_server


def first_view(browser: Browser, url: str, latency: int) -> tuple[float, int]:
    """Milliseconds from the address to a text field that works, and the number of requests."""
    context = browser.new_context()
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=int, default=150, help="milliseconds")
    options = parser.parse_args()
    with start_server("--store=memory:", "--rate-limit-per-second=0") as process, chromium() as browser:
        for latency in (0, options.latency):
            found = [first_view(browser, process.url, latency) for _ in range(5)]
            milliseconds = statistics.median(one for one, _ in found)
            trips = f", {milliseconds / latency:.1f} round trips" if latency else ""
            print(f"{latency} ms: {milliseconds:.0f} ms, {found[-1][1]} requests{trips}")


if __name__ == "__main__":
    main()
