"""Random clients of the edge, each made from a seed: what it sends, in which pieces, and how it leaves."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.sockets import HOST

Random = random.Random


def post(body: bytes, *fields: bytes) -> bytes:
    head = b"".join(field + b"\r\n" for field in (b"Content-Length: %d" % len(body), *fields))
    return b"POST / HTTP/1.1\r\n" + HOST + head + b"\r\n" + body


def chunked(rng: Random, body: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    """The body in chunks of random sizes, some with extensions, and perhaps trailer fields."""
    parts = []
    while body:
        size = rng.choice([1, 2, 5, 100, 5_000, 70_000] if len(body) < 10_000 else [5_000, 70_000])
        part, body = body[:size], body[size:]
        extension = rng.choice([b"", b"", b"", b";a=b", b" ; c"])
        parts.append(b"%x%s\r\n%s\r\n" % (len(part), extension, part))
    trailer = rng.choice([b"", b"", b"A: b\r\n", b"C:\r\nD: e\r\n"])
    head = line + b"\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def get(path: bytes, *fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return b"%s %s HTTP/%s\r\n%s%s\r\n" % (method, path, version, HOST, b"".join(f + b"\r\n" for f in fields))


MESSAGE = b'{"message": "secret"}'
LARGE = b'{"message": "%s"}' % (b"x" * 102_400)
TOO_LARGE = b'{"message": "%s"}' % (b"x" * 620_000)

REQUESTS: list[Callable[[Random, bytes], bytes]] = [
    lambda _, __: get(b"/-/health"),
    lambda _, __: get(b"/-/health", b"Content-Length: 3") + b"abc",
    lambda _, __: get(b"/-/health", method=b"HEAD"),
    lambda _, __: get(b"/-/health", b"Connection: upgrade", b"Upgrade: h2c"),
    lambda _, __: get(b"http://other/-/health?a=b"),
    lambda _, __: get(b"/-/openapi.json"),
    lambda _, __: get(b"*", method=b"OPTIONS"),
    lambda _, __: get(b"/a/b/c"),
    lambda _, __: get(b"/", method=b"DELETE"),
    lambda _, path: get(path),
    lambda _, path: get(path),
    lambda _, path: get(path, b"Content-Length: 5") + b"abcde",
    lambda _, path: get(path, method=b"DELETE"),
    lambda _, __: post(MESSAGE),
    lambda _, __: post(MESSAGE[:-1]),
    lambda _, __: post(MESSAGE, b"Expect: 100-continue"),
    lambda _, __: post(LARGE),
    lambda rng, __: chunked(rng, MESSAGE),
    lambda rng, __: chunked(rng, MESSAGE + b" " * 5_000),
    lambda rng, __: chunked(rng, MESSAGE, b"PUT /abc12 HTTP/1.1"),
    lambda _, __: post(MESSAGE).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(b"x" * 20_000).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: b"\r\n" + get(b"/-/health"),
]  # fmt: skip

ENDINGS: list[Callable[[Random, bytes], bytes]] = [
    lambda _, __: b"",
    lambda _, __: get(b"/-/health", b"Connection: close"),
    lambda _, path: get(path, b"Connection: close"),
    lambda _, path: get(path, version=b"1.0"),
    lambda _, __: post(b"x" * 100_000).replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(b"x" * 30, b"Expect: 100-continue").replace(b"POST /", b"PUT /abc12"),
    lambda _, __: post(TOO_LARGE),
    lambda rng, __: chunked(rng, TOO_LARGE),
    lambda rng, __: rng.randbytes(rng.randrange(1, 300)),
    lambda _, __: get(b"/-/health", b"A: " + b"b" * 40_000),
    lambda _, __: get(b"/-/health")[:-7],
    lambda _, __: post(MESSAGE)[:-7],
    lambda _, __: get(b"/" + b"x" * 9_000),
]  # fmt: skip

SPLICES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\r\n\r\n", b"0\r\n\r\n", b"A: b\r\n", b"Content-Length: 5\r\n",
           b"Transfer-Encoding: chunked\r\n", b"\r\nTransfer-Encoding: chunked", b"\xff", b"\x7f", b"\t"]  # fmt: skip


def mutated(rng: Random, data: bytes) -> bytes:
    """The bytes with one to three small faults, mostly near their beginning."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(min(len(changed), rng.choice([60, 400, 1_000_000])) + 1)
        splice = rng.choice(SPLICES) if rng.random() < 0.8 else rng.randbytes(1)
        changed[at : at + rng.choice([0, 0, 1, 2])] = splice
    return bytes(changed)


@dataclass
class RandomClient:
    """What one random client does.

    Attributes:
        pieces: What it sends, each piece after a pause in seconds.
        leaves_after: Bytes after which it closes or resets the connection; None if it stays for all responses.
        reads_late: Seconds that it sends only, with a small receive buffer.
    """

    seed: int
    messages: dict[str, str]
    data: bytes
    pieces: list[tuple[bytes, float]]
    leaves_after: int | None
    resets: bool
    reads_late: float
    half_closes_after: float


def random_client(seed: int, messages: dict[str, str]) -> RandomClient:
    rng = Random(seed)
    paths = [b"/" + message_id.encode() for message_id in messages]
    parts = [rng.choice(REQUESTS)(rng, rng.choice(paths)) for _ in range(rng.randrange(6))]
    parts.append(rng.choice(ENDINGS)(rng, rng.choice(paths)) if rng.random() < 0.6 else b"")
    data = b"".join(parts)
    if rng.random() < 0.4:
        data = mutated(rng, data)
    if rng.random() < 0.1:
        data += rng.choice(REQUESTS)(rng, rng.choice(paths)) * rng.randrange(1, 300)
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice([0, 0, 1, 3, 10])))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    if len(data) < 200 and rng.random() < 0.3:
        pieces = [data[n : n + 1] for n in range(len(data))]
    pauses = [rng.choice([0, 0, 0, 0.001, 0.02]) for _ in pieces]
    return RandomClient(
        seed,
        messages,
        data,
        list(zip(pieces, pauses, strict=True)),
        rng.randrange(len(data) + 1) if rng.random() < 0.25 else None,
        rng.random() < 0.5,
        rng.choice([0, 0, 0, 0.3]),
        rng.choice([0, 0, 0.05]),
    )
