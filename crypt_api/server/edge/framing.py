"""The framing of a body: where it ends, by its length or by chunks (RFC 9112, sections 6 and 7)."""

import re
from enum import Enum, auto

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
    """What is there is taken at once."""

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


class _Part(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    COMPLETE = auto()


class ChunkedDecoder:
    """A body in chunks (RFC 9112, section 7.1). Extensions and trailer fields are dropped, but counted."""

    def __init__(self) -> None:
        self._part = _Part.SIZE
        self._chunk_left = 0
        self._data_bytes = 0
        self._framing_bytes = 0

    remaining = None
    """Not known."""

    is_behind = False
    """Whether `take` has left bytes in the buffer that it could have taken: a part of a body for each turn."""

    @property
    def is_complete(self) -> bool:
        return self._part is _Part.COMPLETE

    def take(self, buffer: bytearray) -> bytes:
        """Take what is there of the body from the front of the buffer.

        Raises:
            Refusal: The framing is invalid, or has more bytes than any body needs.
        """
        chunks: list[bytes] = []
        self.is_behind = True
        for _ in range(MAX_STEPS):
            if self.is_complete or not self._step(buffer, chunks):
                self.is_behind = False
                break
            if self._framing_bytes > FRAMING_BYTES + FRAMING_BYTES_PER_BYTE * self._data_bytes:
                raise Refusal
        return b"".join(chunks)

    def _step(self, buffer: bytearray, chunks: list[bytes]) -> bool:
        """Do one step; False if more bytes are needed."""
        if self._part is _Part.DATA:
            chunk = bytes(buffer[: self._chunk_left])
            del buffer[: self._chunk_left]
            chunks.append(chunk)
            self._data_bytes += len(chunk)
            self._chunk_left -= len(chunk)
            if self._chunk_left:
                return False
            self._part = _Part.DATA_END
            return True
        if self._part is _Part.DATA_END and not b"\r\n".startswith(bytes(buffer[:2])):
            raise Refusal  # the chunk is longer than its size
        line = self._take_line(buffer)
        if line is None:
            return False
        if self._part is _Part.DATA_END:
            self._part = _Part.SIZE
        elif self._part is _Part.SIZE:
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise Refusal
            self._chunk_left = int(match[1], 16)
            self._part = _Part.DATA if self._chunk_left else _Part.TRAILER
        elif not line:
            self._part = _Part.COMPLETE
        elif _TRAILER_LINE.fullmatch(line) is None:
            raise Refusal
        return True

    def _take_line(self, buffer: bytearray) -> bytes | None:
        """Take a line without its CRLF; None if it has not arrived."""
        end = buffer.find(b"\r\n", 0, MAX_CHUNK_LINE_BYTES + 2)
        if end < 0:
            if len(buffer) > MAX_CHUNK_LINE_BYTES or b"\n" in buffer:
                raise Refusal
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        self._framing_bytes += end + 2
        return line
