"""The server that `crypt-api serve` runs: uvicorn with uvloop and httptools, in one process."""

import signal
import socket
import sys
from functools import partial

import uvicorn

from crypt_api.server.asgi import AsgiApp
from crypt_api.server.http_protocol import DEFAULT_IDLE_TIMEOUT, HttpProtocol
from crypt_core.errors import SettingsError

GRACE = 30
"""Seconds that requests in flight get to finish after SIGTERM."""


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is opened.

    Raises:
        SettingsError: It is taken, not of this machine, or no address at all.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"cannot listen on {host} port {port}: {reason}") from None
    return listener


def run(app: AsgiApp, listener: socket.socket, *, idle_timeout: float = DEFAULT_IDLE_TIMEOUT) -> None:
    """Serve until SIGTERM or SIGINT; then answer what is in flight, let the app close its store, and exit with 0.

    `idle_timeout` is the seconds that a client may be silent in the middle of a request.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # before uvicorn listens to them, and once it is done
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=partial(HttpProtocol, idle_timeout=idle_timeout),  # type: ignore[arg-type] # a factory will do
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            host, port, *_ = listener.getsockname()
            print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr, flush=True)  # noqa: T201
