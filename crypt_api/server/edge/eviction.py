"""Which connection is dropped when there is no room for a new one, and which body when bodies use too much memory.

The client with the most loses first, so that one client alone takes nothing from the others. If many addresses attack
at once, each with few connections, the oldest go first: an honest request is answered long before it is among them.
"""

import heapq
from collections import Counter
from collections.abc import Collection

from crypt_api.server.edge.connection import Connection
from crypt_api.server.edge.limits import FEW_CONNECTIONS
from crypt_api.server.edge.phase import Phase

_NOT_EVICTABLE = (Phase.ANSWER, Phase.CLOSED)
"""In ANSWER, a message may be on its way from the store."""


def is_evictable(connection: Connection) -> bool:
    """Whether the connection waits only for its client."""
    return connection.phase not in _NOT_EVICTABLE


def next_evicted(connections: Collection[Connection], new: Connection, count: int) -> list[Connection]:
    """Up to `count` connections to be dropped for new ones, the first one first; `new` is not chosen.

    Those of the client with the most connections go first. Of clients with few connections, the connection goes first
    that has waited longest for its client, whatever it waits for: half a body protects nobody.
    """
    of_client = Counter(connection.client_group for connection in connections)

    def rank(connection: Connection) -> tuple[int, float]:
        return -max(of_client[connection.client_group], FEW_CONNECTIONS), connection.since

    return heapq.nsmallest(count, (c for c in connections if is_evictable(c) and c is not new), key=rank)


def largest_body(connections: Collection[Connection]) -> Connection | None:
    """The largest unfinished body of the client whose unfinished bodies take most memory."""
    uploads = [connection for connection in connections if connection.phase is Phase.BODY]
    of_client: Counter[str] = Counter()
    for upload in uploads:
        of_client[upload.client_group] += upload.body_memory
    return max(uploads, key=lambda upload: (of_client[upload.client_group], upload.body_memory), default=None)
