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
"""Bytes that a connection holds: of a body that the handler has not taken, or of later requests. At this size it stops
reading. The last read may exceed it by one `READ_BUFFER_BYTES`."""

READ_BUFFER_BYTES = 65_536
"""Bytes read at once. All connections share one buffer: a read is finished before the next one starts."""

MAX_CHUNK_LINE_BYTES = 1_024
"""The line with a chunk's size and extensions, and a trailer field's line."""

FRAMING_BYTES = 16_384
"""Bytes that a chunked body may spend on extensions and trailer fields, besides what its chunks need."""

FRAMING_BYTES_PER_BYTE = 5
"""Bytes of framing that each byte of content allows. A chunk of one byte needs five: `1`, CRLF and CRLF."""

MAX_STEPS = 64
"""Lines and chunks of a chunked body that are decoded in one turn of the event loop, in about half a millisecond."""

MAX_SKIPPED_BYTES = 65_536
"""The rest of a body that the handler did not want is skipped up to this size; beyond it the connection is closed."""

MAX_LINGER_BYTES = 10_000_000
LINGER_SECONDS = 5.0
"""After its last response, a connection waits this long for the client to close, and meanwhile receives and drops this
much. A client that still sends would otherwise get a reset, and perhaps no response."""

MAX_BODY_MEMORY = 128 * 1024 * 1024
"""Bytes of the bodies of all unanswered requests. Beyond it, the client with the most bytes loses its largest body."""

CHUNK_MEMORY = 64
"""Bytes that a piece of a body costs besides its content: Python's object and its place in a list."""

DEFAULT_IDLE_TIMEOUT = 30.0
"""Seconds that a client may take for a head, be silent in a body, or not take any of a response."""

BODY_TIMEOUTS = 4
"""A whole body, or taking a whole response, may last this many idle timeouts."""

DEFAULT_MAX_CONNECTIONS = 1_000

BACKLOG = 1_024
"""Connections that the system completes and keeps until the server accepts them."""

ACCEPTS_AT_ONCE = 64
"""Connections that the server accepts in one turn of the event loop. (libuv would accept one, asyncio all.)"""

ACCEPT_PAUSE_SECONDS = 0.1
"""Wait before the next attempt to accept when the system has no descriptor or no memory for another connection."""

TURNS_AT_ONCE = 8
"""Connections that are handled at once in one turn of the event loop. The others wait in the queue, in which clients
take turns."""

TURN_SECONDS = 0.00025
"""After this time, the rest of the queue waits for the next turn of the event loop. A request takes about four turns,
so a server that is busy with one client keeps the others waiting for a millisecond or two. Twice as long a time
answers 256 busy connections 6 % faster, and keeps users beside floods waiting half as long again."""

SOCKET_BUFFER_BYTES = 131_072
"""Bytes that the system buffers for one connection in each direction; Linux counts twice as many. A response fits. By
default it takes several MB, and clients that do not read would use up the memory that the system has for all TCP."""

FEW_CONNECTIONS = 8
"""A client with no more connections than this has few. Browsers open six."""

EVICTION_SHARE = 16
"""Choose victims in batches of 1/16 of all connections: choosing scans every connection."""

MAX_METRICS_CONNECTIONS = 16
"""Connections to the address of the metrics at a time."""

SPARE_DESCRIPTORS = 256
"""Descriptors for everything else: new connections until others have made room, the metrics, the store, libraries."""

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
