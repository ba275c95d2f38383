"""What must come back for any bytes that a client sends: a second, simple reading of RFC 9112, of all bytes at once.

The edge reads bytes as they arrive, and this model reads them when all are there. The application behind it is the
real one, with a store in memory.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from crypt_api.server.edge.limits import (
    MAX_CHUNK_LINE_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_LINE_BYTES,
    MAX_SKIPPED_BYTES,
    MAX_TARGET_BYTES,
)
from crypt_api.server.stores.memory import MemoryStore
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings

MAX_BODY_BYTES = 6 * 102_400 + 1_024
"""Of a plain message; a longer body is refused by its length."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_FIELD = rb"%s:%s\r\n" % (_TOKEN, _TEXT)
_HEAD = re.compile(
    rb"(?P<method>%s) (?P<target>[\x21-\x7e]+) HTTP/1\.(?P<minor>[01])\r\n(?P<fields>(?:%s)*)\r\n" % (_TOKEN, _FIELD)
)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;%s)?\r\n" % _TEXT)
_TRAILER = re.compile(rb"(?:%s)*\r\n" % _FIELD)
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.~!$&'()*+,;=%-]*)(:[0-9]*)?")
_ABSOLUTE_TARGET = re.compile(rb"(?i:https?)://([^/?#]+)(/[^?#]*)?(\?[^#]*)?")


class RefusedError(Exception):
    """The bytes are no valid request; one of the statuses tells why."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(*statuses)
        self.statuses = set(statuses or (400,))


class IncompleteError(Exception):
    """The bytes end in the middle of a request."""


@dataclass
class ModelHead:
    """A valid head.

    Attributes:
        length: None for a chunked body.
        end: Where the body begins.
    """

    method: str
    path: str
    headers: dict[str, str]
    keep_alive: bool
    length: int | None
    end: int


@dataclass
class Expected:
    """One response that must come.

    Attributes:
        statuses: More than one where it depends on when the bytes arrive.
        body: None if it need not be compared.
        is_last: The connection ends after it, and the response says so unless `ends_silently`.
        ends_silently: It may be given before it is known that the connection must end.
        may_be_last: The connection may end after it; the response then says so.
    """

    statuses: set[int]
    body: bytes | None = None
    is_head: bool = False
    is_last: bool = False
    ends_silently: bool = False
    may_be_last: bool = False


def expected(data: bytes, messages: Mapping[str, str]) -> Iterator[Expected]:
    """The responses to all that a client has sent before it finished sending; `messages` wait to be read, by id."""
    service = _Service(messages)
    position, is_last = 0, False
    while position < len(data) and not is_last:
        try:
            head = read_head(data, position)
        except IncompleteError:
            return
        except RefusedError as refused:
            yield Expected(refused.statuses, is_last=True)
            return
        response, position = _exchange(service, data, head)
        is_last = response.is_last
        yield response


def read_head(data: bytes, position: int) -> ModelHead:
    """The head that begins at the position.

    Raises:
        IncompleteError: The head may become a valid one.
        RefusedError: It cannot.
    """
    position += 2 if data.startswith(b"\r\n", position) else 0
    end = data.find(b"\r\n\r\n", position, position + MAX_HEAD_BYTES)
    rest = data[position:]
    has_long_line = len(rest) > MAX_LINE_BYTES and b"\r\n" not in rest[:MAX_LINE_BYTES]
    invalid = RefusedError(400, 414) if has_long_line else RefusedError()  # whichever the edge finds first
    if end < 0:
        if len(rest) >= MAX_HEAD_BYTES:
            raise RefusedError(400, 414, 431)
        if has_long_line or re.search(rb"(?<!\r)\n", rest):
            raise invalid
        raise IncompleteError
    head = _HEAD.match(data, position)
    if head is None or head.end() != end + 4:
        raise RefusedError(505) if rest.startswith(b"PRI * HTTP/2.0\r\n\r\n") else invalid
    if len(head["target"]) > MAX_TARGET_BYTES:
        raise RefusedError(400, 414)
    lines = [line.partition(b":") for line in head["fields"].split(b"\r\n")[:-1]]
    fields = [(name.lower(), value.replace(b"\t", b" ").strip(b" ")) for name, _, value in lines]
    if len(fields) > MAX_HEADERS or len(head["method"]) > 32:
        raise RefusedError
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}{';' if name == 'cookie' else ','} {value}" if name in headers else value
    path = _path(head, [value for name, value in fields if name == b"host"])
    length = _length(head, [field for field in fields if field[0] in (b"content-length", b"transfer-encoding")])
    keep_alive = head["minor"] == b"1" and "close" not in headers.get("connection", "").lower()
    return ModelHead(head["method"].decode(), path, headers, keep_alive, length, head.end())


def _path(head: re.Match[bytes], hosts: list[bytes]) -> str:
    target: bytes = head["target"]
    if len(hosts) > 1 or (not hosts and head["minor"] == b"1") or not all(map(_HOST.fullmatch, hosts)):
        raise RefusedError
    if target == b"*" and head["method"] == b"OPTIONS":
        return "*"
    if target.startswith(b"/") and b"#" not in target:
        return target.partition(b"?")[0].decode()
    absolute = _ABSOLUTE_TARGET.fullmatch(target)
    if absolute is None or not _HOST.fullmatch(absolute[1]):
        raise RefusedError
    return (absolute[2] or b"/").decode()


def _length(head: re.Match[bytes], framing: list[tuple[bytes, bytes]]) -> int | None:
    if not framing:
        return 0
    [(name, value), *more] = framing
    if more or (name == b"transfer-encoding" and head["minor"] == b"0"):
        raise RefusedError
    if name == b"transfer-encoding":
        if value.lower() != b"chunked":
            raise RefusedError(400, 501)
        return None
    if not re.fullmatch(rb"[0-9]{1,15}", value):
        raise RefusedError
    return int(value)


def _exchange(service: "_Service", data: bytes, head: ModelHead) -> tuple[Expected, int]:
    """The response to a request with a valid head, and where the next request begins."""
    is_broken, body, end = False, b"", head.end
    try:
        body, end = _chunked(data, end) if head.length is None else _sized(data, end, head.length)
    except (RefusedError, IncompleteError):
        is_broken = True
    response, wants_body = service.answer(head, body)
    is_head = head.method == "HEAD"
    is_too_long = head.length is not None and head.length > MAX_BODY_BYTES
    answers_early = head.length != 0 and (not wants_body or is_too_long)
    if is_broken:  # and the handler may have answered before that was known
        early = {413 if wants_body else response.status} if answers_early else set()
        if head.length is None and wants_body and len(data) - head.end > MAX_BODY_BYTES:
            early = {413}
        return Expected({400} | early, is_head=is_head, is_last=True, ends_silently=bool(early)), end
    is_unsure = head.length is None or head.length > MAX_SKIPPED_BYTES or "expect" in head.headers
    content = None if b'"id": ' in response.body else response.body
    may_be_last = (answers_early or response.status == 413) and is_unsure
    return Expected({response.status}, content, is_head, not head.keep_alive, may_be_last=may_be_last), end


def _sized(data: bytes, start: int, length: int) -> tuple[bytes, int]:
    if len(data) < start + length:
        raise IncompleteError
    return data[start : start + length], start + length


def _chunked(data: bytes, position: int) -> tuple[bytes, int]:
    """The content of a chunked body, and where it ends. Whether it is invalid or incomplete makes no difference."""
    chunks: list[bytes] = []
    size = -1
    while size:
        line = _CHUNK_SIZE.match(data, position)
        if line is None or len(line[0]) > MAX_CHUNK_LINE_BYTES + 2:
            raise RefusedError
        size, position = int(line[1], 16), line.end()
        if size:
            chunk, position = _sized(data, position, size)
            chunks.append(chunk)
            if data[position : position + 2] != b"\r\n":
                raise RefusedError
            position += 2
    trailer = _TRAILER.match(data, position)
    if trailer is None:
        raise RefusedError
    return b"".join(chunks), trailer.end()


class _Body:
    """A body that knows whether it was wanted."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.is_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_read = True
        yield self._content


class _Service:
    """The real application, with a store in memory."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        self._store = MemoryStore()
        self._app = App(Settings(rate_limit_per_second=0))
        for message_id, message in messages.items():
            keeper = App(Settings(rate_limit_per_second=0), new_id=partial(_always, message_id))
            body = _Body(b'{"message": "%s"}' % message.encode())
            self._run(keeper, Request("http", "POST", "/", {}, "", body))

    def answer(self, head: ModelHead, content: bytes) -> tuple[Response, bool]:
        """The response, and whether the handler wants the body."""
        body = _Body(content)
        response = self._run(self._app, Request("http", head.method, head.path, head.headers, "127.0.0.1", body))
        is_too_long = head.length is not None and head.length > MAX_BODY_BYTES
        return response, body.is_read or (is_too_long and response.status == 413)

    def _run(self, app: App, request: Request) -> Response:
        """Nothing in it waits, so one step is all."""
        coroutine = app.handle(request, self._store)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            response: Response = stop.value
            return response
        raise AssertionError("the application waits for something")


def _always(message_id: str, _: int) -> str:
    return message_id
