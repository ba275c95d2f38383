"""Who must go when there is no room: the client that has most of it, however many others there are."""

import heapq
from collections import Counter
from collections.abc import Collection

from crypt_api.server.edge.connection import Connection
from crypt_api.server.edge.phase import Phase

_EVICTION_ORDER = (Phase.LINGER, Phase.HEAD, Phase.SKIP, Phase.BODY, Phase.FLUSH)
"""The phases that wait for the client, from the one with the least to lose to the one with the most. In ANSWER, a
message may be on its way from the store: a connection in that phase is not dropped for another one."""


def is_evictable(connection: Connection) -> bool:
    """Whether the connection waits only for its client."""
    return connection.phase in _EVICTION_ORDER


def next_evicted(connections: Collection[Connection], new: Connection, count: int) -> list[Connection]:
    """Up to `count` connections to be dropped for new ones, in the order in which they must go; `new` is not chosen.

    First those of the client with the most connections; of these, those with the least to lose; of these, the oldest.
    """
    of_client = Counter(connection.client_group for connection in connections)

    def rank(connection: Connection) -> tuple[int, int, float]:
        return -of_client[connection.client_group], _EVICTION_ORDER.index(connection.phase), connection.since

    return heapq.nsmallest(count, (c for c in connections if is_evictable(c) and c is not new), key=rank)


def largest_body(connections: Collection[Connection]) -> Connection | None:
    """The largest unfinished body of the client whose unfinished bodies take most memory."""
    uploads = [connection for connection in connections if connection.phase is Phase.BODY]
    of_client: Counter[str] = Counter()
    for upload in uploads:
        of_client[upload.client_group] += upload.body_memory
    return max(uploads, key=lambda upload: (of_client[upload.client_group], upload.body_memory), default=None)
