"""The service as an ASGI application, for any ASGI server: `uvicorn --factory crypt_api.server.asgi:create_app`."""

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from crypt_api.server.metrics import MeteredStore, Metrics
from crypt_api.server.proxies import TrustedProxies
from crypt_api.server.static_files import static_routes
from crypt_api.server.stores import ServerStore, open_store
from crypt_core.http.app import App
from crypt_core.http.routing import Route
from crypt_core.http.types import Request
from crypt_core.limits.rate_limiter import open_limiter
from crypt_core.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DEFAULT_STORE = "sqlite:///messages.db"
ENVIRONMENT_PREFIX = "CRYPT_API_"

access_logger = logging.getLogger("crypt_api.access")


class AsgiApp:
    """Translates between ASGI and the core's requests and responses."""

    def __init__(self, app: App, store: ServerStore, proxies: TrustedProxies, metrics: Metrics) -> None:
        """`store` is closed when the server shuts down."""
        self._app = app
        self._store = store
        self._metrics = metrics
        self._proxies = proxies

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise NotImplementedError(f"no {scope['type']} here")

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = self._request(scope, receive)
        response = await self._app.handle(request, self._store)
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        if response.status != 204:  # noqa: PLR2004
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})
        seconds = time.perf_counter() - started
        route = response.route or "-"
        self._metrics.answered(request.method, route, response.status, seconds)
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("%s %s %d %.1f ms", request.method, route, response.status, seconds * 1_000)

    def _request(self, scope: Message, receive: Receive) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        peer = (scope.get("client") or ("",))[0]
        client = self._proxies.client(peer, headers.get("x-forwarded-for", ""))
        scheme = scope["scheme"]
        if self._proxies.trust(peer) and headers.get("x-forwarded-proto") in ("http", "https"):
            scheme = headers["x-forwarded-proto"]
        path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
        return Request(scheme, scope["method"], path, headers, client, _body(receive))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """The body's chunks. A client that leaves half-way ends it, and with it any JSON that was in it."""
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


def create_app(environment: Mapping[str, str] = os.environ) -> AsgiApp:
    """Open the store and build the application from variables such as `CRYPT_API_STORE` and `CRYPT_API_MAX_TTL`.

    Raises:
        SettingsError: A variable has a value that cannot be used.
        StorageUnavailable: The store cannot be opened.
    """
    values = {
        name.removeprefix(ENVIRONMENT_PREFIX): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    settings = Settings.from_mapping(values)
    proxies = TrustedProxies.parse(values.get("TRUSTED_PROXIES", ""))
    metrics = Metrics()
    store = MeteredStore(open_store(values.get("STORE") or DEFAULT_STORE, on_expired=metrics.expired), metrics)
    metrics_route = Route("/-/metrics", unlimited={"GET": metrics.page, "HEAD": metrics.page})
    app = App(settings, open_limiter(settings), extra_routes=[metrics_route, *static_routes()])
    return AsgiApp(app, store, proxies, metrics)
