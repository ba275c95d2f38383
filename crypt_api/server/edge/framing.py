"""The framing of a body: where it ends, by its length or by chunks (RFC 9112, sections 6 and 7)."""

import re

from crypt_api.server.edge.head import Refusal
from crypt_api.server.edge.limits import FRAMING_BYTES, FRAMING_BYTES_PER_BYTE, MAX_CHUNK_LINE_BYTES, MAX_STEPS

# White space may stand before an extension, but not behind a size that has none.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")


class LengthDecoder:
    """A body of known length.

    Attributes:
        remaining: Bytes of the body that have not arrived.
    """

    is_behind = False
    """`take` always takes everything."""

    def __init__(self, length: int) -> None:
        self.remaining = length

    @property
    def is_complete(self) -> bool:
        return self.remaining == 0

    def take(self, buffer: bytearray) -> bytes:
        """Take the bytes of the body from the front of the buffer."""
        chunk = bytes(buffer[: self.remaining])
        del buffer[: self.remaining]
        self.remaining -= len(chunk)
        return chunk


class ChunkedDecoder:
    """A body in chunks (RFC 9112, section 7.1). Extensions and trailer fields are dropped, but counted.

    Attributes:
        is_complete: Whether all of the body has been taken.
        is_behind: Whether `take` has left bytes in the buffer that it could have taken: a part of a body for each turn.
    """

    remaining = None
    """Not known."""

    def __init__(self) -> None:
        self.is_complete = False
        self.is_behind = False
        self._at = 0  # in the buffer: what is before it has been taken
        self._data_left = 0  # bytes of the chunk whose size was the last line
        self._in_chunk = False  # its data, or the CRLF behind them, must come next
        self._in_trailer = False
        self._allowance = FRAMING_BYTES  # bytes of framing that the body may still have

    def take(self, buffer: bytearray) -> bytes:
        """Take what is there of the body from the front of the buffer.

        Raises:
            Refusal: The framing is invalid, or has more bytes than any body needs.
        """
        chunks: list[bytes] = []
        self._at = 0
        self.is_behind = True
        for _ in range(MAX_STEPS):
            if not (self._take_data(buffer, chunks) if self._in_chunk else self._take_line(buffer)):
                self.is_behind = False
                break
        del buffer[: self._at]
        return b"".join(chunks)

    def _take_data(self, buffer: bytearray, chunks: list[bytes]) -> bool:
        """Take the chunk's data and the CRLF behind them; False if more bytes are needed."""
        chunk = bytes(buffer[self._at : self._at + self._data_left])
        self._at += len(chunk)
        self._data_left -= len(chunk)
        self._allowance += FRAMING_BYTES_PER_BYTE * len(chunk)
        chunks.append(chunk)
        if self._data_left:
            return False
        end = buffer[self._at : self._at + 2]
        if end != b"\r\n":
            if not b"\r\n".startswith(end):
                raise Refusal  # the chunk is longer than its size
            return False
        self._at += 2
        self._spend(2)
        self._in_chunk = False
        return True

    def _take_line(self, buffer: bytearray) -> bool:
        """Take the line of a chunk's size, or of a trailer field; False if more bytes are needed, or none."""
        if self.is_complete:
            return False
        start, end = self._at, buffer.find(b"\r\n", self._at, self._at + MAX_CHUNK_LINE_BYTES + 2)
        if end < 0:
            if len(buffer) - start > MAX_CHUNK_LINE_BYTES or buffer.find(b"\n", start) >= 0:
                raise Refusal
            return False
        self._at = end + 2
        self._spend(end + 2 - start)
        if self._in_trailer:
            self.is_complete = end == start
            if not self.is_complete and _TRAILER_LINE.fullmatch(buffer, start, end) is None:
                raise Refusal
            return True
        size = _CHUNK_LINE.fullmatch(buffer, start, end)
        if size is None:
            raise Refusal
        self._data_left = int(size[1], 16)
        self._in_chunk = self._data_left > 0
        self._in_trailer = not self._in_chunk
        return True

    def _spend(self, framing_bytes: int) -> None:
        self._allowance -= framing_bytes
        if self._allowance < 0:
            raise Refusal
