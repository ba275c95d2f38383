"""From the runtime's request to the core's request, and the way of every request of the Worker."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from crypt_core.errors import SettingsError
from crypt_core.http.app import App
from crypt_core.http.error_responses import InvalidJson, error_response
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.kv_store import KvStore
from crypt_worker.rate_limit import client_address, isolate_limits

MAX_DRAIN_BYTES = 10_000_000
"""The connection of a client that sends more than this after a refusal is closed."""

_apps: dict[Settings, App] = {}
"""The application of this isolate, which the first request builds; the clock and randomness do not work before."""


async def answer(request: Any, env: Any) -> Response:
    """Answer the SDK's `request` with the bindings and variables in `env`."""
    try:
        app = _app(env)
    except SettingsError as error:
        return error_response(error)
    body = _Body(request.js_object)
    core_request = _core_request(request.js_object, body)
    # The runtime's objects belong to the request that they came with, so the store is made for each request.
    response = await app.handle(core_request, KvStore(KvPayloads(env.MESSAGES), env.MESSAGE_SHARDS))
    await body.drain()
    # For the platform's logs, and the metrics drawn from them: the route, never the id.
    line = {"method": core_request.method, "route": response.route, "status": response.status}
    print(json.dumps(line))  # noqa: T201 - console.log
    return response


def _app(env: Any) -> App:
    settings = Settings.from_mapping({name: getattr(env, name, "") for name in (*Settings.NAMES, *Settings.SECRETS)})
    if settings not in _apps:
        _apps[settings] = App(settings, isolate_limits(settings))
    return _apps[settings]


def _core_request(js_request: Any, body: "_Body") -> Request:
    url = urlsplit(js_request.url)
    headers = {name.lower(): value for name, value in js_request.headers}
    return Request(url.scheme, js_request.method, url.path, headers, client_address(headers), body)


class _Body:
    """The request's body, chunk by chunk as the runtime receives it."""

    def __init__(self, js_request: Any) -> None:
        declared = js_request.headers.get("content-length") or "0"
        self._is_worth_draining = len(declared) < len(str(MAX_DRAIN_BYTES))
        self._reader = js_request.body.getReader() if js_request.body else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Receive the body.

        Raises:
            InvalidJson: The client broke off its upload, so the body is not what the client meant to send. Nothing
                must be done for it, and it is no fault that an operator has to hear of.
        """
        while self._reader:
            try:
                chunk = await self._reader.read()
            except Exception:  # noqa: BLE001 - JsException, which exists only in the runtime
                self._reader = None
                raise InvalidJson from None
            if chunk.done:
                self._reader = None
            else:
                yield chunk.value.to_bytes()

    async def drain(self) -> None:
        """Receive the rest of the body. Left unread, the runtime may reset the connection, and lose the answer."""
        drained = 0
        if self._is_worth_draining:
            with suppress(InvalidJson):
                async for chunk in self:
                    drained += len(chunk)
                    if drained > MAX_DRAIN_BYTES:
                        break
        if self._reader:
            with suppress(Exception):  # the client may be gone by now
                await self._reader.cancel()
