"""The files that a sender gives, and the stream of bytes that they are together."""

import io
import mimetypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from crypt_api.client.errors import FileChanged, TooManyFiles
from crypt_api.client.manifest import MAX_FILES, FileEntry
from crypt_api.client.parts import MAX_PART_BYTES

UNKNOWN_TYPE = "application/octet-stream"


class Readable(Protocol):
    """A stream of bytes that may have no end that is known yet, such as a pipe."""

    def read(self, count: int, /) -> bytes:
        """At most `count` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Attachment:
    """A file to send. Printing it does not show the bytes.

    Attributes:
        source: A path, the bytes themselves, or an open binary stream, such as an upload to your own service.
        name: The file's name for the reader, perhaps with folders before it; without one, the name of the path.
        media_type: The file's type, such as `image/png`; without one, it is guessed from the name.

    Example:
        >>> Attachment(b"...", name="map.png")
        Attachment(name='map.png', media_type='image/png')
    """

    source: Path | bytes | Readable = field(repr=False)
    name: str = ""
    media_type: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            path = self.source.name if isinstance(self.source, Path) else "file"
            # On some systems, a name need not be text.
            object.__setattr__(self, "name", os.fsencode(path).decode(errors="replace"))
        if not self.media_type:
            object.__setattr__(self, "media_type", mimetypes.guess_type(self.name)[0] or UNKNOWN_TYPE)


class _Input(Protocol):
    """One file, as it is read."""

    size: int | None
    """Bytes; None until the end of a stream has been read."""

    def begin(self, offset: int) -> None:
        """Read from here on. Raises FileChanged if that is not possible."""
        ...

    def read(self, count: int) -> bytes: ...

    def check(self) -> None:
        """Raises FileChanged if what was read is not what was there at the start."""
        ...

    def close(self) -> None:
        """Close what `begin` has opened."""
        ...


class _FileInput:
    """A regular file at a path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = io.BytesIO()
        with self._open() as file:
            self.version = _version(file)
            self.changed = os.fstat(file.fileno()).st_ctime_ns
            self.size: int | None = self.version[0]
            if not self.size and file.read(1):
                self.size = None  # a file of /proc, say, whose length the system does not tell

    def begin(self, offset: int) -> None:
        self.close()
        self._file = self._open()
        self.check()
        self._file.seek(offset)

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        if not data and self.size is None:
            self.size = self._file.tell()
        return data

    def check(self) -> None:
        if _version(self._file) != self.version:
            raise FileChanged(f"{self.path.name} has changed while it was being sent.")

    def close(self) -> None:
        self._file.close()

    def _open(self) -> BinaryIO:
        """Raises OSError if it cannot be read, or is no regular file; to open a pipe does not wait for its writer."""
        file = open(self.path, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115 - closed by `close`
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(None, "it is no regular file", str(self.path))
        return file


def _version(file: BinaryIO) -> tuple[int, int, int]:
    """Size, time of modification, and identity: what shows that a file has changed."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ino


class _SeekableInput:
    """An open stream that knows its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = stream.tell()
        self.size: int | None = stream.seek(0, io.SEEK_END) - self._start

    def begin(self, offset: int) -> None:
        self._stream.seek(self._start + offset)

    def read(self, count: int) -> bytes:
        return self._stream.read(count)

    def check(self) -> None:
        """Only the size is compared: a part of another size would be none that the reader can open."""
        position = self._stream.tell()
        size = self._stream.seek(0, io.SEEK_END) - self._start
        self._stream.seek(position)
        if size != self.size:
            raise FileChanged("A file has changed while it was being sent.")

    def close(self) -> None:
        """It stays open: it is the caller's."""


class _PipeInput:
    """A stream that is read once. Its beginning is remembered, so that sending can start anew after a first part."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._beginning = bytearray()
        self._position = 0
        self._taken = 0
        self.size: int | None = None

    def begin(self, offset: int) -> None:
        if offset or self._taken > len(self._beginning):
            raise FileChanged("What comes from a pipe cannot be read again from its start.")
        self._position = 0

    def read(self, count: int) -> bytes:
        if self._position < len(self._beginning):
            data = bytes(self._beginning[self._position : self._position + count])
        else:
            data = self._stream.read(count)
            self._taken += len(data)
            if self._taken <= MAX_PART_BYTES:
                self._beginning += data
            else:
                self._beginning.clear()
                self._position = 0
            if not data:
                self.size = self._taken
        self._position += len(data)
        return data

    def check(self) -> None:
        """What was read of a pipe cannot change."""

    def close(self) -> None:
        """It stays open: it is the caller's."""


class Files:
    """Files to send, as one stream of bytes. Each method may raise OSError; none of them is called twice at a time."""

    def __init__(self, files: Iterable[Attachment | Path | str]) -> None:
        """Open each file once.

        Raises:
            OSError: A file cannot be read, or is no regular file.
            TooManyFiles: There are more than a message can have.
        """
        attachments = [file if isinstance(file, Attachment) else Attachment(Path(file)) for file in files]
        if len(attachments) > MAX_FILES:
            raise TooManyFiles(f"A message has at most {MAX_FILES} files, and these are {len(attachments)}.")
        self._attachments = attachments
        self._inputs = [_input(attachment.source) for attachment in attachments]
        self._current = 0
        self._has_begun = False

    def __len__(self) -> int:
        return len(self._inputs)

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The list of the files. The size of a stream without a known end is 0 until its end was read."""
        files = zip(self._attachments, self._inputs, strict=True)
        return tuple(FileEntry(it.name, it.media_type, data.size or 0) for it, data in files)

    @property
    def total(self) -> int | None:
        """The bytes of all files; None while the end of one is not known."""
        sizes = [data.size for data in self._inputs if data.size is not None]
        return sum(sizes) if len(sizes) == len(self._inputs) else None

    @property
    def known_bytes(self) -> int:
        """The bytes of the files whose end is known."""
        return sum(data.size or 0 for data in self._inputs)

    @property
    def versions(self) -> list[list[str | int]] | None:
        """What shows, to a later run of the program, that these are the same files; None if they are not all paths.

        Some programs write to a file and put its time of modification back: those of encrypted containers, say. So the
        time of the last change, which nobody can put back, is in it too.
        """
        files = [data for data in self._inputs if isinstance(data, _FileInput)]
        if len(files) < len(self._inputs):
            return None
        return [[str(data.path.absolute()), *data.version, data.changed] for data in files]

    def seek(self, offset: int) -> None:
        """Read from `offset` on.

        Raises:
            FileChanged: A file has changed, or is a pipe whose beginning is gone.
        """
        self._current, self._has_begun = 0, False
        while self._current < len(self._inputs) - 1:
            size = self._inputs[self._current].size
            if size is None or offset < size:
                break
            offset -= size
            self._current += 1
        if self._inputs:
            self._begin(offset)

    def read(self, count: int) -> bytes:
        """Read `count` bytes; fewer at the end of the last file.

        Raises:
            FileChanged: A file has changed since the start.
        """
        data = bytearray()
        while len(data) < count and self._current < len(self._inputs):
            file = self._inputs[self._current]
            if not self._has_begun:
                self._begin(0)
            if chunk := file.read(count - len(data)):
                data += chunk
                continue
            file.check()
            file.close()
            self._current, self._has_begun = self._current + 1, False
        if self._current < len(self._inputs):
            self._inputs[self._current].check()
        return bytes(data)

    def close(self) -> None:
        for data in self._inputs:
            data.close()

    def _begin(self, offset: int) -> None:
        self._inputs[self._current].begin(offset)
        self._has_begun = True


def _input(source: Path | bytes | Readable) -> _Input:
    if isinstance(source, Path):
        return _FileInput(source)
    if isinstance(source, bytes):
        return _SeekableInput(io.BytesIO(source))
    with suppress(AttributeError, OSError):
        if source.seekable():  # type: ignore[attr-defined]
            return _SeekableInput(source)  # type: ignore[arg-type]
    return _PipeInput(source)
