"""The server on either event loop: uvloop, or asyncio's own where uvloop is not installed."""

import sys

from tests.support.platforms import Process, start_server

EVENT_LOOPS = ("uvloop", "asyncio")

_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from crypt_api.__main__ import main; main()"


def start_on(event_loop: str, *flags: str) -> Process:
    if event_loop == "uvloop":
        return start_server(*flags)
    return Process([sys.executable, "-c", _WITHOUT_UVLOOP, "serve", "--port=0", *flags])
