"""From the runtime's request to the core's request and back: the way of every request of the Worker."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from crypt_core.http.errors import InvalidJson, error_response
from crypt_core.http.types import Request, Response
from crypt_core.setting_values import SettingsError
from crypt_worker.javascript import JavaScript
from crypt_worker.rate_limit import client_address
from crypt_worker.service import Service

MAX_DRAIN_BYTES = 10_000_000
"""The connection of a client that sends more than this after a refusal is closed."""


async def answer(js_request: Any, javascript: JavaScript, service: Callable[[], Service]) -> Any:
    """Answer the runtime's request by the isolate's service; return the runtime's response."""
    try:
        app, store_for = service()
    except SettingsError as error:
        return _js_response(error_response(error), javascript)
    headers = javascript.read_entries(js_request.headers)
    body = _Body(js_request, headers)
    scheme, path = _scheme_and_path(js_request.url)
    request = Request(scheme, js_request.method, path, headers, client_address(headers), body)
    response = await app.handle(request, store_for(request.client))
    await body.drain()
    # For the platform's logs, and the metrics drawn from them: the route, never the id.
    javascript.log(json.dumps({"method": request.method, "route": response.route, "status": response.status}))
    return _js_response(response, javascript)


def _scheme_and_path(url: str) -> tuple[str, str]:
    """The runtime's URLs are absolute and have a path, perhaps a query, and no fragment."""
    scheme, _, rest = url.partition("://")
    return scheme, rest[rest.index("/") :].partition("?")[0]


def _js_response(response: Response, javascript: JavaScript) -> Any:
    body: Any = response.stream
    if body is None and response.body:
        body = javascript.to_js(response.body)
    return javascript.new_response(body, javascript.to_object({"status": response.status, "headers": response.headers}))


class _Body:
    """The request's body, chunk by chunk as the runtime receives it.

    To ask for the end costs as much as to ask for a chunk, so a body that has its announced length is not asked.
    The runtime's stream can be had instead, once.
    """

    def __init__(self, js_request: Any, headers: dict[str, str]) -> None:
        self._stream = js_request.body
        self._length = headers.get("content-length", "")
        self._received = 0
        self._is_worth_draining = len(self._length) < len(str(MAX_DRAIN_BYTES))
        self._reader: Any = None

    def platform_stream(self) -> Any:
        """The runtime's stream of the whole body; None without one."""
        stream, self._stream = self._stream, None
        return stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Receive the body.

        Raises:
            InvalidJson: The client broke off its upload, so the body is not what the client meant to send. Nothing
                must be done for it, and it is no fault that an operator has to hear of.
        """
        if stream := self.platform_stream():
            self._reader = stream.getReader()
        while self._reader:
            try:
                chunk = await self._reader.read()
            except Exception:  # noqa: BLE001 - JsException, which exists only in the runtime
                self._reader = None
                raise InvalidJson from None
            if chunk.done:
                self._reader = None
                return
            data = chunk.value.to_bytes()
            self._received += len(data)
            if str(self._received) == self._length:
                self._reader = None
            yield data

    async def drain(self) -> None:
        """Receive the rest of the body. Left unread, the runtime may reset the connection, and lose the answer."""
        if not (self._reader or self._stream):
            return
        drained = 0
        if self._is_worth_draining:
            with suppress(InvalidJson):
                async for chunk in self:
                    drained += len(chunk)
                    if drained > MAX_DRAIN_BYTES:
                        break
        if left := self._reader or self._stream:
            with suppress(Exception):  # the client may be gone by now
                await left.cancel()
