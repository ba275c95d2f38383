"""HTTP/1.1 by uvicorn and httptools, with the edges that they leave open."""

import asyncio
import sys
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crypt_core.errors import MethodNotAllowed
from crypt_core.http.headers import COMMON_HEADERS
from crypt_core.http.types import json_response

MAX_HEAD_BYTES = 65_536
"""Request line and headers. httptools itself would take, and keep, any number."""

DEFAULT_IDLE_TIMEOUT = 30.0
"""Seconds that a client may be silent in the middle of a request; uvicorn would wait forever."""


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, idle_timeout: float = DEFAULT_IDLE_TIMEOUT, **options: Any) -> None:
        """Take what uvicorn passes, and the seconds after which a silent client is dropped."""
        super().__init__(*arguments, **options)
        self._idle_timeout = idle_timeout
        self._idle_timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._restart_idle_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._idle_timer:
            self._idle_timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._restart_idle_timer()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header fields too large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what the parser refuses in the service's own words."""
        if isinstance(sys.exception(), httptools.HttpParserInvalidMethodError):
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, MethodNotAllowed.text, {"Allow": "GET, POST, OPTIONS"})
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "Invalid HTTP request")

    def _refuse(self, status: HTTPStatus, text: str, headers: dict[str, str] | None = None) -> None:
        response = json_response(status, {"error": text}, headers)
        lines = {**COMMON_HEADERS, **response.headers, "Content-Length": len(response.body), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.transport.write(f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n".encode() + response.body)
        self.transport.close()

    def _restart_idle_timer(self) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
        self._idle_timer = self.loop.call_later(self._idle_timeout, self._close_if_idle)

    def _close_if_idle(self) -> None:
        cycle: Any = self.cycle
        we_are_busy = cycle is not None and not cycle.response_complete and not cycle.more_body
        if we_are_busy:
            self._restart_idle_timer()
        else:
            self.transport.close()
