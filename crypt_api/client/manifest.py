"""The manifest: a sealed message that lists files, whose bytes follow in it, or lie in parts beside it."""

import json
from dataclasses import dataclass, field
from typing import Any

from crypt_api.client.parts import KEY_BYTES, MAX_PART_BYTES, PartKeys, part_lengths
from crypt_core.encoding import decode_base64url, encode_base64url, whole_number

MAX_FILES = 100

MAX_PARTS = 100_000
"""So that a list cannot send its reader on an endless way; 400 GiB in the largest parts."""

MAX_FILE_BYTES = (1 << 53) - 1
"""Bytes of all files together: the largest whole number that every JSON parser reads exactly (RFC 8259, section 6)."""


@dataclass(frozen=True)
class FileEntry:
    """A file in a list.

    Attributes:
        name: The file's name; of a file in a folder, the path from that folder, with `/`.
        media_type: The file's type, such as `image/png`.
        bytes: The file's size.
    """

    name: str
    media_type: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """Files, a note, and where the bytes of the files are. Printing it shows neither note nor key nor bytes.

    The files are one stream of bytes, in the order of the list.

    Attributes:
        files: The list, of 1 to 100 files.
        note: The text that comes with the files; empty if there is none.
        keys: What opens the parts; None if the bytes are in `inline`.
        part_bytes: Bytes of the stream in each part, the last one perhaps less; 0 without parts.
        sole: Whether the message has one reader, who deletes the parts after reading.
        inline: The stream itself; empty if the stream is in parts.
    """

    files: tuple[FileEntry, ...]
    note: str = field(default="", repr=False)
    keys: PartKeys | None = None
    part_bytes: int = 0
    sole: bool = True
    inline: bytes = field(default=b"", repr=False)

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def part_lengths(self) -> list[int]:
        """The bytes of the stream in each part."""
        return [] if self.keys is None else part_lengths(self.total_bytes, self.part_bytes)

    def list_fields(self) -> dict[str, Any]:
        """The list, as it is written in JSON."""
        fields: dict[str, Any] = {
            "files": [{"name": it.name, "media_type": it.media_type, "bytes": it.bytes} for it in self.files]
        }
        if self.keys is not None:
            fields |= {"key": encode_base64url(self.keys.key), "part_bytes": self.part_bytes, "sole": self.sole}
        return fields

    @classmethod
    def from_list(cls, fields: Any, note: str, inline: bytes) -> "Manifest":
        """Read `list_fields`; `inline` is what follows the list.

        Raises:
            ValueError: It breaks the specification.
        """
        match fields:
            case {"files": [*entries]} if fields.keys() == {"files"}:
                manifest = cls(tuple(map(_entry, entries)), note, inline=inline)
                is_whole = manifest.total_bytes == len(inline)
            case {"files": [*entries], "key": str(key), "part_bytes": size, "sole": bool(sole)} if len(fields) == 4:  # noqa: PLR2004
                keys = PartKeys(decode_base64url(key, KEY_BYTES) or b"")
                part_bytes = bounded(size, least=1, most=MAX_PART_BYTES)
                manifest = cls(tuple(map(_entry, entries)), note, keys, part_bytes, sole)
                is_whole = bool(keys.key) and not inline and manifest.total_bytes <= part_bytes * MAX_PARTS
            case _:
                raise ValueError
        if not is_whole or not 1 <= len(manifest.files) <= MAX_FILES or manifest.total_bytes > MAX_FILE_BYTES:
            raise ValueError
        return manifest


def _entry(fields: Any) -> FileEntry:
    match fields:
        case {"name": str(name), "media_type": str(media_type), "bytes": size} if len(fields) == 3:  # noqa: PLR2004
            return FileEntry(name, media_type, bounded(size))
    raise ValueError


def bounded(value: object, *, least: int = 0, most: int = MAX_FILE_BYTES) -> int:
    """A whole number of JSON within the bounds; ValueError for anything else."""
    number = whole_number(value)
    if number is None or not least <= number <= most:
        raise ValueError
    return number


def parse_json(data: bytes) -> Any:
    """Parse JSON in UTF-8. Raises ValueError or RecursionError, which may quote it."""
    return json.loads(data.decode(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    """Python's parser takes `NaN`, `Infinity` and `-Infinity`, which are not JSON."""
    raise ValueError(name)
