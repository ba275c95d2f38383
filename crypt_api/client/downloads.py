"""Fetching files: part by part, each one as often as it is needed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import accumulate
from typing import Any, Protocol

from crypt_api.client.content import Content
from crypt_api.client.errors import BadEnvelope, CryptApiError
from crypt_api.client.file_names import safe_path
from crypt_api.client.limits import MAX_RESPONSE, RECEIVED
from crypt_api.client.links import origin_of
from crypt_api.client.manifest import FileEntry, Manifest
from crypt_api.client.parts import MAX_SEALED_PART_BYTES, PartKeys
from crypt_api.client.responses import parse
from crypt_api.client.retries import BRIEF, PATIENT_IN_TURN, ask, wait_for_turn
from crypt_api.client.steps import Compute, Conversation
from crypt_api.client.uploads import ReportProgress, part_request

FIRST_FORMAT = 1
"""Of tickets."""


class Writable(Protocol):
    """A binary stream, of which writing is all that is needed."""

    def write(self, data: memoryview, /) -> int:
        """Write the data, or a part of them; give how many bytes that was."""
        ...


@dataclass(frozen=True)
class Span:
    """A piece of a file: bytes of one part.

    Attributes:
        number: The part's number.
        start: Where the piece begins in the part.
        end: Where it ends.
    """

    number: int
    start: int
    end: int


class Download:
    """The files of one message: what the service gives of them, and what has been fetched."""

    def __init__(self, origin: str, manifest: Manifest, *, keeps_folders: bool = True) -> None:
        """Without `keeps_folders`, a `/` in a name is only a character that no file name has."""
        self.origin = origin
        self.manifest = manifest
        self.keeps_folders = keeps_folders
        self.delivered: set[int] = set()
        """The files that somebody has got, by their places in the list."""
        self._edges = [0, *accumulate(file.bytes for file in manifest.files)]
        self._last: tuple[int, bytes] = (-1, b"")

    @property
    def is_delivered(self) -> bool:
        return len(self.delivered) == len(self.manifest.files)

    def path(self, index: int) -> str:
        """Where the file belongs below a folder; nothing in it leads out of that folder."""
        return safe_path(self.manifest.files[index].name, has_folders=self.keeps_folders)

    def spans(self, index: int, offset: int = 0) -> Iterator[Span]:
        """The pieces of a file, from `offset` on."""
        begin, end = self._edges[index] + offset, self._edges[index + 1]
        size = self._part_bytes
        while begin < end:
            number = begin // size
            stop = min(end, (number + 1) * size)
            yield Span(number, begin - number * size, stop - number * size)
            begin = stop

    def whole_parts(self, index: int, size: int) -> int:
        """Of a file's first `size` bytes on a disk, how many need not be fetched again.

        They end where a part ends. The last part is fetched again: if the power went, it may not have reached the disk.
        """
        offset, size = self._edges[index], min(size, self.manifest.files[index].bytes)
        last = (offset + size) // self._part_bytes - 1
        return max(last * self._part_bytes - offset, 0)

    def fetch(self, span: Span, on_bytes: Callable[[int], None] | None = None) -> Conversation[bytes]:
        """Give the bytes of the piece.

        Raises:
            PartMissing: The part is gone.
            BadEnvelope: The part is not what the sender sealed.
        """
        if self.manifest.keys is None:
            return self.manifest.inline[span.start : span.end]
        number, data = self._last  # another thread may fetch another file at the same time
        if number != span.number:
            data = yield from self._part(self.manifest.keys, span.number, on_bytes or (lambda _: None))
            self._last = span.number, data
        if span.end == len(data):
            self._last = -1, b""  # the next file begins in another part
        return data[span.start : span.end] if len(data) > span.end - span.start else data

    def copy(self, index: int, stream: Writable, offset: int, report: ReportProgress | None) -> Conversation[None]:
        """Write a file to the stream, from `offset` on."""
        size, done = self.manifest.files[index].bytes, offset
        report = report or (lambda _done, _size: None)
        report(done, size)
        for span in self.spans(index, offset):
            on_bytes = partial(_report_span, report, done, span.end - span.start, size)
            data = yield from self.fetch(span, on_bytes)
            yield Compute(partial(_write, stream, data))
            done += len(data)
            del data
            report(done, size)
        self.delivered.add(index)

    def read(self, index: int) -> Conversation[bytes]:
        pieces = bytearray()
        for span in self.spans(index):
            pieces += yield from self.fetch(span)
        self.delivered.add(index)
        return bytes(pieces)

    def delete_parts(self) -> Conversation[None]:
        """Delete the parts, if nobody else is to read them, as far as the service can be reached."""
        keys = self.manifest.keys
        if keys is None or not self.manifest.sole:
            return
        try:
            for number in range(len(self.manifest.part_lengths)):
                yield from wait_for_turn((yield from ask(part_request("DELETE", self.origin, keys, number), BRIEF)))
        except CryptApiError:
            return

    @property
    def _part_bytes(self) -> int:
        """Bytes of the stream in a part; what lies in the message itself is like one part."""
        return self.manifest.part_bytes or max(len(self.manifest.inline), 1)

    def _part(self, keys: PartKeys, number: int, on_bytes: Callable[[int], None]) -> Conversation[bytes]:
        options = {MAX_RESPONSE: MAX_SEALED_PART_BYTES, RECEIVED: on_bytes}
        last = yield from ask(part_request("GET", self.origin, keys, number, **options), PATIENT_IN_TURN)
        if last.response.status_code != HTTPStatus.OK:
            parse(last, _no_part)
        length = self.manifest.part_lengths[number]
        data: bytes = yield Compute(partial(keys.unseal, number, last.response.content, length))
        yield from wait_for_turn(last)
        return data


def download_of(origin: str, content: Content | Manifest) -> Download | None:
    """The files of what was unsealed; None for a text."""
    if isinstance(content, Manifest):
        return Download(origin, content)
    if content.name is None:
        return None
    entry = FileEntry(content.name, content.media_type or "", len(content.data))
    return Download(origin, Manifest((entry,), content.note, inline=content.data), keeps_folders=False)


def ticket(download: Download) -> str:
    """What opens the files again, in another run of the program. It has their key."""
    fields = {"ticket": FIRST_FORMAT, "server": download.origin, **download.manifest.list_fields()}
    return json.dumps(fields | {"note": download.manifest.note})


def open_ticket(text: str) -> Download:
    """Read `ticket`.

    Raises:
        BadEnvelope: It is something else.
    """
    try:
        fields = json.loads(text)
        number, origin, note = fields.pop("ticket"), fields.pop("server"), fields.pop("note")
        if number == FIRST_FORMAT and isinstance(origin, str) and isinstance(note, str):
            return Download(origin_of(origin), Manifest.from_list(fields, note, b""))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        pass
    raise BadEnvelope("This is not what remembers a download.") from None


def _no_part(_: dict[str, Any]) -> None:
    """Raises ValueError: a success of another status than 200 comes from something else than this service."""
    raise ValueError


def _report_span(report: ReportProgress, done: int, length: int, size: int, received: int) -> None:
    report(done + min(received, length), size)


def _write(stream: Writable, data: bytes) -> None:
    """Write all of it; a raw stream may take less at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]
