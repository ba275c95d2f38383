"""What must come back for any bytes that a client sends: a second, simple reading of RFC 9112, of all bytes at once.

The edge reads bytes as they arrive, and this model reads them when all are there. The application behind it is the
real one, with a store in memory.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from crypt_api.server.edge.limits import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from crypt_api.server.stores.memory import MemoryStore
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings

MAX_BODY_BYTES = 6 * 102_400 + 1_024
"""Of a plain message; a longer body is refused by its length."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_FIELD = re.compile(rb"(%s):[\t ]*(%s)\r\n" % (_TOKEN, _TEXT))
_HEAD = re.compile(
    rb"(?P<method>%s) (?P<target>[\x21-\x7e]+) HTTP/1\.(?P<minor>[01])\r\n(?P<fields>(?:%s:%s\r\n)*)\r\n"
    % (_TOKEN, _TOKEN, _TEXT)
)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;%s)?\r\n" % _TEXT)
_TRAILER = re.compile(rb"(?:%s:%s\r\n)*\r\n" % (_TOKEN, _TEXT))
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.~!$&'()*+,;=%-]*)(:[0-9]*)?")
_AUTHORITY = re.compile(rb"(?i:https?)://([^/?#]+)([^?#]*)(\?[^#]*)?")


@dataclass
class Expected:
    """One response that must come.

    Attributes:
        statuses: More than one where it depends on when the bytes arrive.
        body: None if it need not be compared.
        is_last: The connection ends after it, and the response says so unless `ends_silently`.
        ends_silently: It was given before it was known that the connection must end.
        may_be_last: The connection may end after it; the response then says so.
        is_optional: The connection may end without it.
    """

    statuses: set[int]
    body: bytes | None = None
    is_head: bool = False
    is_last: bool = False
    ends_silently: bool = False
    may_be_last: bool = False
    is_optional: bool = False


class _Refused(Exception):
    """The bytes are no request."""


class _Incomplete(Exception):
    """The client stopped in the middle."""


def expected(data: bytes, messages: Mapping[str, str]) -> Iterator[Expected]:
    """The responses to everything that a client has sent before it finished sending.

    Args:
        data: All bytes.
        messages: The messages that wait, by id.
    """
    service = _Service(messages)
    position = 0
    while position < len(data):
        if data.startswith(b"\r\n", position):
            position += 2
        head_end = data.find(b"\r\n\r\n", position, position + MAX_HEAD_BYTES)
        head = _HEAD.match(data, position)
        if head_end < 0 or head is None or head.end() != head_end + 4:
            yield from _refused_head(data[position:], is_whole=head_end >= 0)
            return
        fields = _fields(head["fields"])
        if (path := _path(head, fields)) is None:
            yield Expected({414 if len(head["target"]) > MAX_TARGET_BYTES else 400}, is_last=True)
            return
        try:
            response, position = _answer(service, head, path, fields, data)
        except _Unsupported:
            yield Expected({501, 400}, is_last=True)
            return
        except _Refused:
            yield Expected({400}, is_last=True)
            return
        yield response
        if response.is_last:
            return


class _Unsupported(Exception):
    """A transfer coding that the edge does not know."""


def _refused_head(rest: bytes, *, is_whole: bool) -> Iterator[Expected]:
    """The response to what is no head, or not the whole of one."""
    if is_whole or re.search(rb"(?<!\r)\n", rest[:MAX_HEAD_BYTES]):
        preface = rest.startswith(b"PRI * HTTP/2.0\r\n\r\n")
        yield Expected({505} if preface else {400, 414}, is_last=True)
    elif len(rest) >= MAX_HEAD_BYTES or b"\r\n" not in rest[:MAX_TARGET_BYTES]:
        yield Expected({400, 414, 431}, is_last=True, is_optional=len(rest) < MAX_HEAD_BYTES)


def _fields(block: bytes) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value.strip(b" \t")) for name, value in _FIELD.findall(block)]


def _path(head: re.Match[bytes], fields: list[tuple[bytes, bytes]]) -> str | None:
    """The path of a valid head; None if it is not valid."""
    hosts = [value for name, value in fields if name == b"host"]
    has_host = len(hosts) == 1 if head["minor"] == b"1" else len(hosts) <= 1
    if not has_host or not all(_HOST.fullmatch(host) for host in hosts):
        return None
    target = head["target"]
    if len(fields) > MAX_HEADERS or len(target) > MAX_TARGET_BYTES or len(head["method"]) > 32 or b"#" in target:
        return None
    if target == b"*" and head["method"] == b"OPTIONS":
        return "*"
    if target.startswith(b"/"):
        return target.partition(b"?")[0].decode()
    absolute = _AUTHORITY.fullmatch(target)
    if absolute is None or not _HOST.fullmatch(absolute[1]) or absolute[2][:1] not in (b"", b"/"):
        return None
    return absolute[2].decode() or "/"


def _answer(
    service: "_Service", head: re.Match[bytes], path: str, fields: list[tuple[bytes, bytes]], data: bytes
) -> tuple[Expected, int]:
    """The response to a request with a valid head, and where the next request begins."""
    headers = _joined(fields)
    is_chunked = b"transfer-encoding" in dict(fields)
    _check_framing(head, fields)
    closes = head["minor"] == b"0" or "close" in headers.get("connection", "").lower()
    method = head["method"].decode()
    is_broken, body, end = False, b"", head.end()
    try:
        body, end = _chunked(data, end) if is_chunked else _sized(data, end, int(headers.get("content-length", "0")))
    except (_Refused, _Incomplete):
        is_broken = True
    response, has_read_body = service.answer(Request("http", method, path, headers, "127.0.0.1", _Body(body)))
    has_body = is_chunked or bool(body) or is_broken
    wants_body = has_read_body or not has_body
    if is_broken:
        early = set() if wants_body else {response.status}
        if wants_body and int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
            early = {413}
        return Expected({400} | early, is_head=method == "HEAD", is_last=True, ends_silently=bool(early)), end
    skips = not wants_body or response.status == 413
    is_unread = is_chunked or len(body) > 65_536 or "expect" in headers
    content = None if b'"id": ' in response.body else response.body
    answer = Expected({response.status}, content, method == "HEAD", closes, may_be_last=skips and is_unread)
    return answer, end


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}{';' if name == 'cookie' else ','} {value}" if name in headers else value
    return headers


def _check_framing(head: re.Match[bytes], fields: list[tuple[bytes, bytes]]) -> None:
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1 or (codings and head["minor"] == b"0"):
        raise _Refused
    if any(not re.fullmatch(rb"[0-9]{1,15}", length) for length in lengths):
        raise _Refused
    if codings and codings[0].lower() != b"chunked":
        raise _Unsupported


def _sized(data: bytes, start: int, length: int) -> tuple[bytes, int]:
    if len(data) < start + length:
        raise _Incomplete
    return data[start : start + length], start + length


def _chunked(data: bytes, position: int) -> tuple[bytes, int]:
    chunks: list[bytes] = []
    while True:
        line = _CHUNK_SIZE.match(data, position)
        if line is None or line.end() - line.start() > 1_026:
            raise _Refused if b"\r\n" in data[position:] else _Incomplete
        size, position = int(line[1], 16), line.end()
        if not size:
            break
        chunk, position = _sized(data, position, size)
        chunks.append(chunk)
        if data[position : position + 2] != b"\r\n":
            raise _Refused
        position += 2
    trailer = _TRAILER.match(data, position)
    if trailer is None:
        raise _Refused
    return b"".join(chunks), trailer.end()


class _Body:
    """A body that knows whether it was wanted."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.is_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_read = True
        yield self._content


def _always(message_id: str, _: int) -> str:
    return message_id


class _Service:
    """The real application, with a store in memory."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        self._store = MemoryStore()
        self._app = App(Settings(rate_limit_per_second=0))
        for message_id, message in messages.items():
            keeper = App(Settings(rate_limit_per_second=0), new_id=partial(_always, message_id))
            body = _Body(b'{"message": "%s"}' % message.encode())
            self._run(keeper, Request("http", "POST", "/", {}, "", body))

    def answer(self, request: Request) -> tuple[Response, bool]:
        """The response, and whether the body was read."""
        response = self._run(self._app, request)
        assert isinstance(request.body, _Body)
        return response, request.body.is_read

    def _run(self, app: App, request: Request) -> Response:
        """Nothing in it waits, so one step is all."""
        coroutine = app.handle(request, self._store)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            response: Response = stop.value
            return response
        raise AssertionError("the application waits for something")
