"""The requests of the protocol, as httpx sends them."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

from crypt_api.client.errors import InvalidText

PIECE_BYTES = 65_536
"""Bytes of a body that are sent at once. A timeout is for each piece, so that a slow line has time for the whole."""


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A large body, sent in pieces, for both kinds of clients."""

    def __init__(self, data: bytes, on_sent: Callable[[int], None]) -> None:
        """`on_sent` is called with the bytes that have been sent so far, at each attempt from the start again."""
        self._data = data
        self._on_sent = on_sent

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), PIECE_BYTES):
            self._on_sent(start)
            yield self._data[start : start + PIECE_BYTES]
        self._on_sent(len(self._data))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def make_request(  # noqa: PLR0913 - what a request is made of
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    silence: float | None = None,
    extensions: dict[str, Any] | None = None,
    body: Pieces | None = None,
    **options: Any,
) -> httpx.Request:
    """Make a request. `silence` is in seconds; without it, the client's own timeout holds."""
    timeout = {} if silence is None else {"timeout": httpx.Timeout(silence).as_dict()}
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    extensions = {**timeout, **(extensions or {})}
    if body is not None:
        options["stream"] = body
        headers["Host"] = httpx.URL(url).netloc.decode()  # httpx leaves it out beside a stream
    return httpx.Request(method, url, headers=headers, extensions=extensions, **options)


def create_token(token: str | None) -> dict[str, str]:
    """The header of those who create messages, where the service wants a token of them.

    Raises:
        InvalidText: It is no token.
    """
    if not token:
        return {}
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise InvalidText("The token has characters that no token has.")
    return {"Authorization": f"Bearer {token}"}
