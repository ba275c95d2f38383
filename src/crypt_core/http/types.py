"""A request and a response as two small values. Adapters translate; nothing else sees a runtime's own types."""

from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from crypt_core.encoding import encode_json

MAX_HOST_LENGTH = 255


class Request(NamedTuple):
    """What the client sent.

    Attributes:
        scheme: `http` or `https`, as the client used it.
        method: As sent: methods are case-sensitive.
        path: As sent, percent-encoding kept, without the query.
        headers: By lower-case name.
        client: The client's address, as the adapter knows it; empty if the adapter does not know it.
        body: The body's bytes as they arrive. It is read at most once, and perhaps not to the end.
        user: Who has signed on, as the operator's own proxy says; empty if none says so.
    """

    scheme: str
    method: str
    path: str
    headers: Mapping[str, str]
    client: str
    body: AsyncIterable[bytes]
    user: str = ""

    @property
    def origin(self) -> str:
        """The service's address as the client wrote it; with `HOST` in it if the client's `Host` cannot be shown."""
        host = self.headers.get("host", "")
        is_plain = host.isascii() and all(c.isalnum() or c in ".-:[]" for c in host)
        return f"{self.scheme}://{host if is_plain and 0 < len(host) <= MAX_HOST_LENGTH else 'HOST'}"


class Response(NamedTuple):
    """What the client gets. An adapter adds `Content-Length`, and leaves the body out of the response to a HEAD.

    Attributes:
        route: The pattern of the route, such as `/{id}`, for logs and metrics; empty if the path fits no route.
            A path itself must be in neither: an id may be in it.
        created_by: For metrics: the label of the token by which a message was created, or who had signed on; else
            empty.
        stream: The body instead of `body`, in pieces; `Content-Length` is among the headers then.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    route: str = ""
    created_by: str = ""
    stream: AsyncIterable[bytes] | None = None


JSON_TYPE = "application/json; charset=utf-8"
"""JSON is always UTF-8, but some clients take text without a charset for Latin-1, as HTTP/1.1 once had it."""

TEXT_TYPE = "text/plain; charset=utf-8"


def json_response(
    status: int, value: object, headers: Mapping[str, str] = MappingProxyType({}), *, created_by: str = ""
) -> Response:
    """Build a response whose body is `value` as JSON."""
    body = encode_json(value).encode()
    return Response(status, body, {"Content-Type": JSON_TYPE, **headers}, created_by=created_by)


def text_response(text: str, *, created_by: str = "") -> Response:
    """Build a response whose body is `text` as it is."""
    return Response(200, text.encode(), {"Content-Type": TEXT_TYPE}, created_by=created_by)


def timestamp(time: float) -> str:
    """A Unix time in seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(int(time), UTC).isoformat().replace("+00:00", "Z")
