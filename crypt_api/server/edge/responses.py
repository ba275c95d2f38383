"""The bytes of a response."""

import time
from email.utils import formatdate
from functools import cache
from http import HTTPStatus

from crypt_core.http.types import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def response_bytes(response: Response, *, is_head: bool, keep_alive: bool) -> bytes:
    """Write a response as HTTP/1.1, with Date and Content-Length; the body is left out of the response to a HEAD.

    A response with a stream has its Content-Length, and its body follows in pieces.
    """
    lines = [_status_line(response.status), f"date: {_date(int(time.time()))}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != HTTPStatus.NO_CONTENT and response.stream is None:
        lines.append(f"content-length: {len(response.body)}")
    if not keep_alive:
        lines.append("connection: close")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if is_head else head + response.body


@cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


_dates: dict[int, str] = {}


def _date(second: int) -> str:
    """The Date header, written once a second."""
    if second not in _dates:
        _dates.clear()
        _dates[second] = formatdate(second, usegmt=True)
    return _dates[second]
