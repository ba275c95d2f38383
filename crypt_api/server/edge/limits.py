"""The caps and deadlines of the edge, each with its reason."""

from dataclasses import dataclass

MAX_HEAD_BYTES = 32_768
"""Request line and headers. Browsers and proxies send a few KB; nginx takes 32 KB at most."""

MAX_TARGET_BYTES = 8_000
"""The request line's target, as RFC 9112 section 3 recommends. Every path of this service is short."""

MAX_LINE_BYTES = MAX_TARGET_BYTES + 64
"""The whole request line."""

MAX_HEADERS = 100
"""Header fields of one request."""

MAX_WAITING_BYTES = 65_536
"""Bytes that a connection buffers behind the request that is being answered; then it stops reading."""

READ_BUFFER_BYTES = 65_536
"""Bytes read at once. All connections share one buffer: a read is finished before the next one starts."""

MAX_CHUNK_LINE_BYTES = 1_024
"""The line with a chunk's size and extensions, and a trailer field's line."""

FRAMING_BYTES = 16_384
"""Bytes that a chunked body may spend on its framing, besides as many as the body has. A chunk of 1 byte spends 5."""

MAX_STEPS = 256
"""Lines and chunks of a chunked body that are decoded in one turn of the event loop, in about half a millisecond."""

MAX_SKIPPED_BYTES = 65_536
"""The rest of a body that the handler did not want is skipped up to this size; beyond it the connection is closed."""

MAX_LINGER_BYTES = 10_000_000
LINGER_SECONDS = 5.0
"""After a refusal, the edge receives and drops this much for this long. A client that still sends would otherwise get a
reset instead of the response."""

MAX_BODY_MEMORY = 128 * 1024 * 1024
"""Bytes of unfinished bodies of all connections. Beyond it, the oldest unfinished one is dropped."""

DEFAULT_IDLE_TIMEOUT = 30.0
"""Seconds that a client may take for a head, be silent in a body, or not take any of a response."""

BODY_TIMEOUTS = 4
"""Idle timeouts that a whole body, or taking a whole response, may last."""

DEFAULT_MAX_CONNECTIONS = 1_000

RETRY_AFTER = "1"
"""Seconds, in the response to a connection that there is no room for."""

SPARE_DESCRIPTORS = 64
"""Descriptors for everything that is no connection: the store, the listeners, libraries."""

GRACE_SECONDS = 30.0
"""Seconds that requests in flight get to finish after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator sets.

    Attributes:
        idle_timeout: Seconds.
        max_connections: Connections at a time.
    """

    idle_timeout: float = DEFAULT_IDLE_TIMEOUT
    max_connections: int = DEFAULT_MAX_CONNECTIONS
