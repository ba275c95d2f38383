"""From the runtime's request to the core's, and back."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from crypt_core.app import App, answer_error
from crypt_core.errors import SettingsError
from crypt_core.http import Request, Response
from crypt_core.rate_limiter import SlidingWindow
from crypt_core.settings import Settings
from crypt_worker.kv import KvStore

MAX_DRAIN_BYTES = 10_000_000
"""A client who sends more than this after a refusal has its connection closed."""

_limiters: dict[int, SlidingWindow] = {}
"""By limit: it lives as long as the isolate, and is made by its first request."""


async def answer(request: Any, env: Any) -> Response:
    """Answer the SDK's `request` with the bindings and variables in `env`."""
    try:
        settings = Settings.from_mapping({name: getattr(env, name, "") for name in Settings.NAMES})
    except SettingsError as error:
        return answer_error(error)
    limit = settings.rate_limit_per_second
    limiter = _limiters.setdefault(limit, SlidingWindow(limit)) if limit else None
    app = App(KvStore(env.MESSAGES, env.MESSAGE_SHARDS), settings, limiter)
    body = _Body(request.js_object)
    core_request = _request(request.js_object, body)
    response = await app.handle(core_request)
    await body.drain()
    # For the platform's logs, and the metrics drawn from them: the route, never the id.
    line = {"method": core_request.method, "route": app.route(core_request.path), "status": response.status}
    print(json.dumps(line))  # noqa: T201 - console.log
    return response


def _request(js_request: Any, body: "_Body") -> Request:
    url = urlsplit(js_request.url)
    headers = {name.lower(): value for name, value in js_request.headers}
    client = headers.get("cf-connecting-ip", "")
    return Request(url.scheme, js_request.method, url.path, headers, client, body)


class _Body:
    """The request's body, chunk by chunk as the runtime receives it."""

    def __init__(self, js_request: Any) -> None:
        declared = js_request.headers.get("content-length") or "0"
        self._is_worth_draining = len(declared) < len(str(MAX_DRAIN_BYTES))
        self._reader = js_request.body.getReader() if js_request.body else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._reader:
            chunk = await self._reader.read()
            if chunk.done:
                self._reader = None
            else:
                yield chunk.value.to_bytes()

    async def drain(self) -> None:
        """Receive what nobody read. Left lying, the runtime resets the connection, and the answer with it."""
        drained = 0
        if self._is_worth_draining:
            async for chunk in self:
                drained += len(chunk)
                if drained > MAX_DRAIN_BYTES:
                    break
        if self._reader:
            await self._reader.cancel()
