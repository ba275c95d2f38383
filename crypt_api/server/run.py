"""What `crypt-api serve` runs: the application behind the HTTP edge, and the metrics on an address of their own."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

from crypt_api.server.application import Application
from crypt_api.server.edge.limits import MAX_METRICS_CONNECTIONS, Limits
from crypt_api.server.edge.server import Server
from crypt_api.server.metrics import metrics_response
from crypt_core.http.types import Request, Response

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
"""They end the server; SIGHUP, if it has no list of tokens to read again. (Windows has the first two.)"""

SWITCH_INTERVAL_SECONDS = 0.00002
"""After this time, a busy thread lets another one run. SQLite's thread waits for its turn several times in a commit.
Beside all abuses at once, the users' 99th percentile was 46 ms with half a millisecond, and 22 ms with a tenth of that;
this is less again, and takes no throughput that can be measured."""


def run(application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None) -> None:
    """Serve until one of `SIGNALS`; then answer what is in flight, close the store, and exit with 0.

    Args:
        application: Answers the requests.
        listener: The address of the service.
        limits: The operator's limits.
        metrics: The address of the metrics; None without metrics.

    Raises:
        StorageUnavailable: The store cannot be connected.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    _handle_signals(lambda *_: sys.exit(0))  # until the event loop is there
    try:
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(_serve(application, listener, limits, metrics))
    finally:
        application.close()


async def _serve(
    application: Application, listener: socket.socket, limits: Limits, metrics: socket.socket | None
) -> None:
    async def answer_metrics(request: Request) -> Response:
        return metrics_response(application.metrics, request)

    stop = _stop_event()
    if application.token_file is not None:
        _on_hangup(application.read_tokens_again)
    await application.connect()  # before anybody can ask
    gc.freeze()  # what is here stays: a collection that looks at it all would hold up every request for milliseconds
    servers = [_started(Server(application.answer, limits, application.proxies), listener, "listening")]
    if metrics is not None:
        metrics_limits = replace(limits, max_connections=MAX_METRICS_CONNECTIONS)
        servers.append(_started(Server(answer_metrics, metrics_limits), metrics, "metrics"))
    await stop.wait()
    await asyncio.gather(*(server.stop() for server in servers))
    await application.finish()


def _stop_event() -> asyncio.Event:
    """An event that the first signal sets. The others are ignored: the end has begun, and takes a bounded time."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        _handle_signals(signal.SIG_IGN)
        loop.call_soon_threadsafe(stop.set)

    _handle_signals(on_signal)
    return stop


def hold_hangups() -> None:
    """Let SIGHUP wait until `run` reads the list of tokens again at it: it must not end a server that starts."""
    if hasattr(signal, "SIGHUP"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])


def _on_hangup(action: Callable[[], None]) -> None:
    """Do `action` in the event loop at each SIGHUP, unless the parent ignores it."""
    if not hasattr(signal, "SIGHUP"):
        return
    loop = asyncio.get_running_loop()
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(action))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])


def _handle_signals(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    """Set the handler of all signals that end the server, but of those that the parent ignores, as `nohup` does."""
    for number in SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _started(server: Server, listener: socket.socket, word: str) -> Server:
    server.start(listener)
    host, port, *_ = listener.getsockname()
    _say(f"{word} on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    return server


def _say(line: str) -> None:
    """Write to stderr; a server whose stderr is full or closed serves all the same."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        # `print` would keep what cannot be written, and Python would fail with it at the end.
        os.write(sys.stderr.fileno(), line.encode())


def _new_event_loop() -> asyncio.AbstractEventLoop:
    with contextlib.suppress(ImportError):  # it is not there on Windows
        import uvloop  # noqa: PLC0415

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()
