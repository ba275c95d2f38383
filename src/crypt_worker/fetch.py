"""From the runtime's request to the core's, and back."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from crypt_core.app import App, answer_error
from crypt_core.errors import SettingsError
from crypt_core.handlers import Handlers
from crypt_core.http import Request, Response
from crypt_core.rate_limiter import SlidingWindow
from crypt_core.settings import Settings
from crypt_worker.kv import KvStore

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
    app = App(Handlers(KvStore(env.MESSAGES, env.MESSAGE_SHARDS), settings), limiter)
    return await app.handle(_request(request.js_object))


def _request(js_request: Any) -> Request:
    url = urlsplit(js_request.url)
    headers = {name.lower(): value for name, value in js_request.headers}
    client = headers.get("cf-connecting-ip", "")
    return Request(url.scheme, js_request.method, url.path, headers, client, _body(js_request))


async def _body(js_request: Any) -> AsyncIterator[bytes]:
    """The body's chunks, as the runtime receives them."""
    if js_request.body is None:
        return
    reader = js_request.body.getReader()
    while True:
        chunk = await reader.read()
        if chunk.done:
            return
        yield chunk.value.to_bytes()
