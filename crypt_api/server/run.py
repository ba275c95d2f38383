"""What `crypt-api serve` runs: the application behind the HTTP edge, and the metrics on an address of their own."""

import asyncio
import contextlib
import signal
import socket
import sys
from dataclasses import replace

from crypt_api.server.application import Application
from crypt_api.server.edge.limits import MAX_METRICS_CONNECTIONS, Limits
from crypt_api.server.edge.server import Server
from crypt_api.server.metrics import metrics_response
from crypt_core.http.types import Request, Response

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""They end the server."""

SWITCH_INTERVAL_SECONDS = 0.00002
"""After this time, a busy thread lets another one run. SQLite's thread waits for its turn several times in a commit.
Beside all abuses at once, the users' 99th percentile was 46 ms with half a millisecond, and 22 ms with a tenth of that;
this is less again, and takes no throughput that can be measured."""


def run(application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None) -> None:
    """Serve until SIGTERM or SIGINT; then answer what is in flight, close the store, and exit with 0.

    Args:
        application: Answers the requests.
        listener: The address of the service.
        limits: The operator's limits.
        metrics: The address of the metrics; None without metrics.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    for number in SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))  # until the event loop is there
    try:
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(_serve(application, listener, limits, metrics))
    finally:
        application.store.close()


async def _serve(
    application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None
) -> None:
    async def answer_metrics(request: Request) -> Response:
        return metrics_response(application.metrics, request)

    stop = _stop_event()
    servers = [_started(Server(application.answer, limits, application.proxies), listener, "listening")]
    if metrics is not None:
        metrics_limits = replace(limits, max_connections=MAX_METRICS_CONNECTIONS)
        servers.append(_started(Server(answer_metrics, metrics_limits), metrics, "metrics"))
    await stop.wait()
    await asyncio.gather(*(server.stop() for server in servers))


def _stop_event() -> asyncio.Event:
    """An event that the first signal sets. The others are ignored: the end has begun, and takes a bounded time."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        loop.call_soon_threadsafe(stop.set)

    for number in SIGNALS:
        signal.signal(number, on_signal)
    return stop


def _started(server: Server, listener: socket.socket, word: str) -> Server:
    server.start(listener)
    host, port, *_ = listener.getsockname()
    print(f"{word} on http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr, flush=True)  # noqa: T201
    return server


def _new_event_loop() -> asyncio.AbstractEventLoop:
    with contextlib.suppress(ImportError):  # it is not there on Windows
        import uvloop  # noqa: PLC0415

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()
