"""The frozen part of the API, as clients of its first version know it: request by request, to the byte.

The table is written out, and not taken from the code, because clients depend on all of it.
"""

from typing import NamedTuple

from tests.support.bodies import BODY_HINTS, PLAIN, REFUSED_PLAIN
from tests.support.browser_headers import BROWSER_ACCEPT
from tests.support.errors import error_body

COMMON = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
    "access-control-allow-headers": "*, Authorization, Content-Type, Idempotency-Key",
    "access-control-expose-headers": "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
JSON = COMMON | {"content-type": "application/json; charset=utf-8"}
COUNTED = JSON | {"ratelimit-policy": '"default";q=3;w=1', "ratelimit": '"default";r=2;t=1'}
"""A response to the first request of a client to a message route."""

PREFLIGHT = COMMON | {"access-control-max-age": "86400"}
ID_ALLOW = "GET, DELETE, OPTIONS"
ROOT_ALLOW = "GET, HEAD, POST, PUT, OPTIONS"

MESSAGE = b'{"message": "secret"}'
NEW_ID = b'{"id": "ID"}'

VOLATILE = {"date", "connection", "content-length"}
"""Headers that belong to the connection."""


class Row(NamedTuple):
    """A request, and the response to it.

    Attributes:
        path: `ID` in it is the id of a plain message that waits.
        body: `ID` in it is an id of five characters.
        headers: All headers but those that are `VOLATILE`.
    """

    method: str
    path: str
    sent: dict[str, str]
    content: bytes
    status: int
    body: bytes
    headers: dict[str, str]


def _creations() -> list[Row]:
    created = [Row("POST", "/", {}, body, 200, NEW_ID, COUNTED) for body, _ in PLAIN.values()]
    types = ("text/plain", "application/x-www-form-urlencoded", "application/json", "x")
    typed = [Row("POST", "/", {"Content-Type": kind}, MESSAGE, 200, NEW_ID, COUNTED) for kind in types]
    accepted = [Row("POST", "/", {"Accept": kind}, MESSAGE, 200, NEW_ID, COUNTED) for kind in ("text/plain", "*/*")]
    refused = []
    for case, (content, (status, text)) in REFUSED_PLAIN.items():
        hint = {"hint": BODY_HINTS[case]} if case in BODY_HINTS else {}
        refused.append(Row("POST", "/", {}, content, status, error_body(text, **hint), COUNTED))
    return created + typed + accepted + refused


def _reads() -> list[Row]:
    accepts = (
        "*/*",
        "application/json",
        "application/json, text/plain, */*",  # axios
        "text/plain, application/json, application/*+json, */*",  # Spring
        "text/plain, */*",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",  # Java
        "application/*, */*",
    )
    sent = [{"Accept": accept} for accept in accepts]
    sent += [{"Accept": BROWSER_ACCEPT, "Sec-Fetch-Mode": "cors"}, {"Origin": "https://example.com"}]
    read = [Row("GET", "/ID", headers, b"", 200, MESSAGE, COUNTED) for headers in sent]
    read += [Row("GET", "/ID?utm_source=mail", {}, b"", 200, MESSAGE, COUNTED)]
    read += [Row("GET", "/ID", {"User-Agent": "curl/8.9.1"}, b"", 200, MESSAGE + b"\n", COUNTED)]
    # Longer than the ids that this service makes: by chance, there could be a message.
    unknown = ("/zzzzzz", "/abcd", "/ABC12", "/abc1!", "/abc%31", "/" + "a" * 21)
    return read + [Row("GET", path, {}, b"", 404, error_body("Message not found"), COUNTED) for path in unknown]


def _others() -> list[Row]:
    rows = []
    for path in ("/a/b", "/abc12/", "/abc12//", "/.well-known/x"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            rows += [Row(method, path, {}, b"", 404, error_body("Not found"), JSON)]
    not_allowed = error_body("Method not allowed")
    for path in ("/ID", "/zzzzzz"):
        for method in ("POST", "PUT", "PATCH", "PROPFIND", "TRACE"):
            rows += [Row(method, path, {}, b"", 405, not_allowed, JSON | {"allow": ID_ALLOW})]
        rows += [Row("HEAD", path, {}, b"", 405, b"", JSON | {"allow": ID_ALLOW})]
    for method in ("PATCH", "DELETE", "PROPFIND", "TRACE"):
        rows += [Row(method, "/", {}, b"", 405, not_allowed, JSON | {"allow": ROOT_ALLOW})]
    return rows + [Row("OPTIONS", path, {}, b"", 204, b"", PREFLIGHT) for path in ("/", "/ID", "/zzzzzz", "/a/b/c")]


ROWS = _creations() + _reads() + _others()
