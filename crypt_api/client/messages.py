"""What a reader gets: a message, with its files. `Message` is for `Client`, `AsyncMessage` for `AsyncClient`."""

import os
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from crypt_api.client.downloads import Download, Writable, ticket
from crypt_api.client.errors import CryptApiError
from crypt_api.client.file_names import name_in
from crypt_api.client.manifest import FileEntry
from crypt_api.client.steps import Compute, Conversation
from crypt_api.client.uploads import ReportProgress

T = TypeVar("T")


class Run(Protocol):
    """Carries out a conversation, and blocks meanwhile."""

    def __call__(self, conversation: Conversation[T], /) -> T: ...


class AsyncRun(Protocol):
    """Carries out a conversation on the event loop."""

    def __call__(self, conversation: Conversation[T], /) -> Awaitable[T]: ...


class _Entry:
    """What is known of a file before it is fetched."""

    def __init__(self, download: Download, index: int) -> None:
        self._download = download
        self._index = index

    @property
    def _entry(self) -> FileEntry:
        return self._download.manifest.files[self._index]

    @property
    def name(self) -> str:
        """The file's name as the sender has it, perhaps with folders before it."""
        return self._entry.name

    @property
    def media_type(self) -> str:
        """The file's type, such as `image/png`. The sender wrote it; nobody has checked it."""
        return self._entry.media_type

    @property
    def size(self) -> int:
        """The file's bytes."""
        return self._entry.bytes

    @property
    def safe_path(self) -> str:
        """A path for the file below a folder of yours, made from its name. It leads nowhere else."""
        return self._download.path(self._index)

    def resume_point(self, size: int) -> int:
        """Of a copy that ended after `size` bytes, how many need not be fetched again: `start` of `copy_to`."""
        return self._download.whole_parts(self._index, size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, media_type={self.media_type!r}, size={self.size})"


class File(_Entry):
    """A file of a message that was read. Its bytes are fetched when they are asked for, as often as that is.

    `save`, `copy_to` and `read` raise `PartMissing` if a part of the file is gone, and `BadEnvelope` if a part is not
    what the sender sealed.

    Attributes:
        name: The file's name as the sender has it, perhaps with folders before it.
        media_type: The file's type, such as `image/png`. The sender wrote it; nobody has checked it.
        size: The file's bytes.
        safe_path: A path for the file below a folder of yours, made from its name. It leads nowhere else.
    """

    def __init__(self, run: Run, download: Download, index: int) -> None:
        super().__init__(download, index)
        self._run = run

    def read(self) -> bytes:
        """Give the whole file."""
        return self._run(self._download.read(self._index))

    def save(self, path: Path | str, *, progress: ReportProgress | None = None) -> Path:
        """Write the file to a new file, part by part, and give its path. Only its owner can read it.

        Args:
            path: Where the new file is made; or a folder, in which it gets the last part of `safe_path` as its name. In
                `~`, a name that begins with a dot gets a `_` before it: programs run such files.
            progress: Called with the bytes that are done, and the file's size.

        Raises:
            FileExistsError: There is such a file. Nothing is overwritten.
        """
        return self._run(_save(self._download, self._index, Path(path), progress))

    def copy_to(self, stream: Writable, *, start: int = 0, progress: ReportProgress | None = None) -> None:
        """Write the file to a binary stream, part by part, from its byte `start` on."""
        self._run(self._download.copy(self._index, stream, start, progress))


class AsyncFile(_Entry):
    """The same as `File`, for asyncio."""

    def __init__(self, run: AsyncRun, download: Download, index: int) -> None:
        super().__init__(download, index)
        self._run = run

    async def read(self) -> bytes:
        """See `File.read`."""
        return await self._run(self._download.read(self._index))

    async def save(self, path: Path | str, *, progress: ReportProgress | None = None) -> Path:
        """See `File.save`."""
        return await self._run(_save(self._download, self._index, Path(path), progress))

    async def copy_to(self, stream: Writable, *, start: int = 0, progress: ReportProgress | None = None) -> None:
        """See `File.copy_to`."""
        await self._run(self._download.copy(self._index, stream, start, progress))


@dataclass(frozen=True)
class Message:
    """A message that was read. Printing it does not show the text.

    Attributes:
        text: The text; with files it is the note to them, and empty if there is none.
        files: The files, in the sender's order.

    Example:
        >>> with Client("https://example.org") as client:
        ...     link = client.send("the plan of the house", files=[Attachment(b"...", name="map.png")]).link
        ...     message = client.read(link)
        >>> message.text
        'the plan of the house'
        >>> message.files
        (File(name='map.png', media_type='image/png', size=3),)
        >>> message.files[0].read()
        b'...'
    """

    text: str = field(repr=False)
    files: tuple[File, ...]
    _run: Run = field(repr=False, compare=False)
    _download: Download | None = field(repr=False, compare=False)

    def delete_parts(self) -> None:
        """Delete large files from the service, when you have them; if there are other readers, do nothing.

        `Client.reading` does this by itself, if each file was saved or read in its block. Otherwise the files expire, a
        few hours after the message.
        """
        if self._download is not None:
            self._run(self._download.delete_parts())

    def ticket(self) -> str:
        """A text with which `Client.resume` opens the files again, also when the program was started anew.

        It has the key of the files: keep it as secret as them.

        Raises:
            CryptApiError: The message has no large files; all of it is here already.
        """
        return _ticket(self._download)


@dataclass(frozen=True)
class AsyncMessage:
    """The same as `Message`, for asyncio."""

    text: str = field(repr=False)
    files: tuple[AsyncFile, ...]
    _run: AsyncRun = field(repr=False, compare=False)
    _download: Download | None = field(repr=False, compare=False)

    async def delete_parts(self) -> None:
        """See `Message.delete_parts`."""
        if self._download is not None:
            await self._run(self._download.delete_parts())

    def ticket(self) -> str:
        """See `Message.ticket`."""
        return _ticket(self._download)


def message_of(run: Run, text: str, download: Download | None) -> Message:
    count = 0 if download is None else len(download.manifest.files)
    files = tuple(File(run, download, index) for index in range(count)) if download else ()
    return Message(text, files, run, download)


def async_message_of(run: AsyncRun, text: str, download: Download | None) -> AsyncMessage:
    count = 0 if download is None else len(download.manifest.files)
    files = tuple(AsyncFile(run, download, index) for index in range(count)) if download else ()
    return AsyncMessage(text, files, run, download)


def has_parts(message: Message) -> bool:
    """Whether the message has large files, whose bytes are not here yet."""
    return message._download is not None and message._download.manifest.keys is not None  # noqa: SLF001


def is_over(download: Download | None) -> bool:
    """Whether the reader has all files, and the parts are of no more use."""
    return download is not None and download.is_delivered and download.manifest.keys is not None


def _ticket(download: Download | None) -> str:
    if download is None or download.manifest.keys is None:
        raise CryptApiError("The message has no large files: all of it is here already.")
    return ticket(download)


def _save(download: Download, index: int, path: Path, report: ReportProgress | None) -> Conversation[Path]:
    if path.is_dir():
        path /= name_in(path, download.path(index).rpartition("/")[2])
    # Not in a thread: after a cancellation, nobody would close and remove what the thread opens.
    stream = open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 - closed below
    try:
        yield from download.copy(index, stream, 0, report)
        yield Compute(stream.close)
    except BaseException:
        with suppress(OSError):  # the disk may still be full
            stream.close()
        path.unlink(missing_ok=True)
        raise
    return path
