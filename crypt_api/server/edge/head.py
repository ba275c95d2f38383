"""The head of a request, parsed strictly: what RFC 9112 tells servers to refuse is refused.

`httptools` (llhttp) parses the header fields. The request line, Host, the request target and the framing are checked
here: llhttp leaves them to its users.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httptools

from crypt_api.server.edge.limits import MAX_HEAD_BYTES, MAX_HEADERS, MAX_LINE_BYTES, MAX_TARGET_BYTES
from crypt_core.http.errors import ApiError

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\n"

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])")
_ABSOLUTE_TARGET = re.compile(r"https?://([^/?]+)(/[^?]*)?(?:\?.*)?", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::[0-9]*)?", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,15}")
_FIELDS_ONLY = b"GET / HTTP/1.1\r\n"


class Refusal(ApiError):
    """The server does not take the bytes as a request. The client gets the status and the text, and is disconnected."""

    def __init__(self, status: HTTPStatus = HTTPStatus.BAD_REQUEST, text: str = "Invalid HTTP request") -> None:
        super().__init__()
        self.status = status
        self.text = text


@dataclass(slots=True)
class Head:
    """A request without its body.

    Attributes:
        path: As sent, without the query.
        headers: By lower-case name; fields of the same name are joined by commas.
        keep_alive: Whether the client wants to send another request on this connection.
        length: Bytes of the body; None for a chunked body.
        expects_continue: Whether the client waits for `100 Continue` before it sends the body.
    """

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    length: int | None
    expects_continue: bool


class HeadReader:
    """Takes one head after the other from the bytes of a connection."""

    def __init__(self) -> None:
        self._searched = 0  # bytes at the front of the buffer in which no head ends
        self._has_blank_line = False  # before the head

    def take(self, buffer: bytearray) -> Head | None:
        """Take a head from the front of the buffer; None if the whole head has not arrived.

        Raises:
            Refusal: The head breaks a rule of RFC 9112, or a cap of this server.
        """
        if buffer.startswith(b"\r\n") and not self._has_blank_line:
            del buffer[:2]  # RFC 9112, section 2.2: an empty line before a request is ignored
            self._searched, self._has_blank_line = 0, True
        end = buffer.find(b"\r\n\r\n", max(self._searched - 3, 0), MAX_HEAD_BYTES)
        if end < 0:
            self._check_unfinished(buffer)
            return None
        data = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        self._searched, self._has_blank_line = 0, False
        if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
            raise Refusal
        return parse_head(data)

    def _check_unfinished(self, buffer: bytearray) -> None:
        """Raise `Refusal` if the head can no longer become a valid one."""
        if _BARE_LINE_FEED.search(buffer, self._searched):
            raise Refusal
        self._searched = len(buffer)
        if len(buffer) >= MAX_HEAD_BYTES:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request header fields too large")
        if len(buffer) > MAX_LINE_BYTES and b"\r\n" not in buffer[:MAX_LINE_BYTES]:
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "URI too long")


def parse_head(data: bytes) -> Head:
    """Parse a head, from its request line to the empty line.

    Raises:
        Refusal: The head breaks a rule of RFC 9112, or a cap of this server.
    """
    if data == HTTP2_PREFACE:
        raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/2 is not supported without TLS")
    line, _, fields = data.partition(b"\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None or b"\r\n " in data or b"\r\n\t" in data:  # folded fields are obsolete, and must be refused
        raise Refusal
    if len(match[2]) > MAX_TARGET_BYTES:
        raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "URI too long")
    method, is_http_1_1 = match[1].decode(), match[3] == b"1"
    headers = _headers(fields)
    host = headers.get("host")
    if host is None:
        if is_http_1_1:
            raise Refusal
    elif _HOST.fullmatch(host) is None:
        raise Refusal
    path = _path(method, match[2].decode(), headers)
    length = _body_length(headers, is_http_1_1=is_http_1_1)
    keep_alive = is_http_1_1 and "close" not in headers.get("connection", "").lower()
    expects_continue = is_http_1_1 and headers.get("expect", "").lower() == "100-continue" and length != 0
    return Head(method, path, headers, keep_alive, length, expects_continue)


class _Fields:
    """Collects the header fields from the parser."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self._count = 0

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        self._count += 1
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").rstrip(" ")
        if self._count > MAX_HEADERS:
            raise Refusal
        if name not in self.headers:
            self.headers[name] = value
        elif name in ("host", "content-length", "transfer-encoding"):
            raise Refusal  # a proxy in front may have taken the other value, and so another request
        else:
            self.headers[name] += (", " if name != "cookie" else "; ") + value


def _headers(fields: bytes) -> dict[str, str]:
    collected = _Fields()
    try:
        # A tab is white space, too, and llhttp does not take it for such everywhere.
        httptools.HttpRequestParser(collected).feed_data(_FIELDS_ONLY + fields.replace(b"\t", b" "))
    except httptools.HttpParserUpgrade:
        pass  # the server speaks only this protocol, and a client that offers another one is content with it
    except httptools.HttpParserError:  # also what `on_header` raises
        raise Refusal from None
    return collected.headers


def _path(method: str, target: str, headers: dict[str, str]) -> str:
    """The path in any of the forms of RFC 9112, section 3.2; an absolute target replaces Host."""
    if target[0] == "/" and "#" not in target:
        return target.partition("?")[0]
    if target == "*" and method == "OPTIONS":
        return target
    match = _ABSOLUTE_TARGET.fullmatch(target)
    if match is None or "#" in target or not _HOST.fullmatch(match[1]):
        raise Refusal
    headers["host"] = match[1]
    return match[2] or "/"


def _body_length(headers: dict[str, str], *, is_http_1_1: bool) -> int | None:
    """Bytes of the body; None for a chunked body (RFC 9112, section 6.3)."""
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if not is_http_1_1 or "content-length" in headers:
            raise Refusal
        if coding.lower() != "chunked":
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "Transfer coding not supported")
        return None
    length = headers.get("content-length", "0")
    if _LENGTH.fullmatch(length) is None:
        raise Refusal
    return int(length)
