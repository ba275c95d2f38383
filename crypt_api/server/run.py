"""What `crypt-api serve` runs: the application behind the HTTP edge, and the metrics on an address of their own."""

import asyncio
import contextlib
import signal
import socket
import sys
from dataclasses import replace

from crypt_api.server.application import Application
from crypt_api.server.edge.limits import MAX_METRICS_CONNECTIONS, Limits
from crypt_api.server.edge.server import Server, stop_event
from crypt_api.server.metrics import metrics_response
from crypt_core.http.types import Request, Response


def run(application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None) -> None:
    """Serve until SIGTERM or SIGINT; then answer what is in flight, close the store, and exit with 0.

    Args:
        application: Answers the requests.
        listener: The address of the service.
        limits: The operator's limits.
        metrics: The address of the metrics; None without metrics.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # until the event loop listens to them
    try:
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(_serve(application, listener, limits, metrics))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the end has begun, and the store is closed in order
        application.store.close()


async def _serve(
    application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None
) -> None:
    async def answer_metrics(request: Request) -> Response:
        return metrics_response(application.metrics, request)

    stop = stop_event()
    servers = [await _started(Server(application.answer, limits), listener, "listening")]
    if metrics is not None:
        metrics_limits = replace(limits, max_connections=MAX_METRICS_CONNECTIONS)
        servers.append(await _started(Server(answer_metrics, metrics_limits), metrics, "metrics"))
    await stop.wait()
    await asyncio.gather(*(server.stop() for server in servers))


async def _started(server: Server, listener: socket.socket, word: str) -> Server:
    await server.start(listener)
    host, port, *_ = listener.getsockname()
    print(f"{word} on http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr, flush=True)  # noqa: T201
    return server


def _new_event_loop() -> asyncio.AbstractEventLoop:
    with contextlib.suppress(ImportError):  # it is not there on Windows
        import uvloop  # noqa: PLC0415

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()
