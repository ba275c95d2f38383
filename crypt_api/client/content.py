"""What a message says, and its plaintext in the sealed envelope: a header in JSON, and the bytes after it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from crypt_api.client.errors import ContentTooLarge, InvalidText
from crypt_api.client.manifest import Manifest, bounded, parse_json
from crypt_core.encoding import whole_number

VERSION = b"\x01"
VERSION_WITH_NOTE = b"\x02"
"""Of a file with a note: readers that know version 1 only say that the message is from a newer version."""

VERSION_WITH_FILES = b"\x03"
"""Of a list of files: there are more than one, or their bytes lie in parts beside the message."""

VERSIONS = (VERSION, VERSION_WITH_NOTE, VERSION_WITH_FILES)

MAX_CONTENT_BYTES = 102_400
MAX_HEADER_BYTES = 4_000


@dataclass(frozen=True)
class Content:
    """What a message says: a text, or a file, which may have a note. Printing it shows neither text nor note.

    Attributes:
        data: The bytes. The bytes of a text are UTF-8.
        name: The file's name; None for a text.
        media_type: The file's type, such as `image/png`; None for a text.
        note: The text that comes with a file; empty if there is none.

    Example:
        >>> Content.from_text("the key is under the mat").text
        'the key is under the mat'
        >>> Content(b"...", name="map.png", media_type="image/png")
        Content(name='map.png', media_type='image/png')
    """

    data: bytes = field(repr=False)
    name: str | None = None
    media_type: str | None = None
    note: str = field(default="", repr=False)

    @classmethod
    def from_text(cls, text: str) -> "Content":
        """Make the content of a text.

        Raises:
            InvalidText: The text cannot be written in UTF-8.
        """
        return cls(utf8(text, "The text"))

    @property
    def text(self) -> str:
        """The data as text. Raises UnicodeDecodeError for a file that does not hold UTF-8."""
        return self.data.decode()


def check_size(data: bytes) -> None:
    """Raises ContentTooLarge for more bytes than can be sent."""
    if len(data) > MAX_CONTENT_BYTES:
        raise ContentTooLarge(f"The message has more than {MAX_CONTENT_BYTES:,} bytes.")


def encode(content: Content | Manifest) -> tuple[bytes, bytes]:
    """The version of the envelope that the content needs, and the plaintext.

    Raises:
        ContentTooLarge: The content has more than `MAX_CONTENT_BYTES`, or the file's name is too long.
        InvalidText: The content is a text and not UTF-8, or the note or a file's name cannot be written in UTF-8.
    """
    note = utf8(content.note, "The note")
    if isinstance(content, Manifest):
        version, between, data = VERSION_WITH_FILES, _list(content), content.inline
        fields: dict[str, str | int] = {"type": "files", "note_bytes": len(note), "list_bytes": len(between)}
    else:
        version, between, data = VERSION_WITH_NOTE if note else VERSION, b"", content.data
        fields = _fields(content, len(note))
    body = note + between + data
    check_size(body)
    header = utf8(_compact(fields), "The file's name")
    if len(header) > MAX_HEADER_BYTES:
        raise ContentTooLarge("The file's name is too long.")
    return version, len(header).to_bytes(2, "big") + header + body


def decode(version: bytes, plaintext: bytes) -> Content | Manifest:
    """Read what `encode` wrote.

    Raises:
        ValueError, RecursionError: The plaintext breaks the specification. The error may quote it.
    """
    length = int.from_bytes(plaintext[:2], "big")
    header, data = plaintext[2 : 2 + length], plaintext[2 + length :]
    if len(plaintext) < 2 or len(header) != length or length > MAX_HEADER_BYTES or len(data) > MAX_CONTENT_BYTES:  # noqa: PLR2004
        raise ValueError
    match version, parse_json(header):
        case b"\x01", {"type": "text"}:
            data.decode()
            return Content(data)
        case b"\x01", {"type": "file", "name": str(name), "media_type": str(media_type)}:
            return Content(data, name, media_type)
        case b"\x02", {
            "type": "file with note",
            "name": str(name),
            "media_type": str(media_type),
            "note_bytes": note_bytes,
        } if 0 < (size := whole_number(note_bytes) or 0) <= len(data):
            return Content(data[size:], name, media_type, data[:size].decode())
        case b"\x03", {"type": "files", "note_bytes": note_bytes, "list_bytes": list_bytes, **others} if not others:
            return _manifest(note_bytes, list_bytes, data)
    raise ValueError


def _fields(content: Content, note_bytes: int) -> dict[str, str | int]:
    """The header of a text or of one file."""
    if content.name is None:
        if note_bytes:
            raise InvalidText("Only a file has a note.")
        if not _isutf8(content.data):
            raise InvalidText("The text is not UTF-8; binary data needs a file's name.")
        return {"type": "text"}
    media_type = "application/octet-stream" if content.media_type is None else content.media_type
    file: dict[str, str | int] = {"type": "file", "name": content.name, "media_type": media_type}
    return file | {"type": "file with note", "note_bytes": note_bytes} if note_bytes else file


def _list(manifest: Manifest) -> bytes:
    return utf8(_compact(manifest.list_fields()), "The name of a file")


def _manifest(note_bytes: object, list_bytes: object, data: bytes) -> Manifest:
    start = bounded(note_bytes)
    end = start + bounded(list_bytes)
    if end > len(data):
        raise ValueError
    return Manifest.from_list(parse_json(data[start:end]), data[:start].decode(), data[end:])


def _compact(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def utf8(text: str, what: str) -> bytes:
    """The text in UTF-8. Raises InvalidText, which names `what` and nothing of the text."""
    with suppress(UnicodeEncodeError):  # raised below: an error from here would carry the text as its context
        return text.encode()
    raise InvalidText(f"{what} has characters that UTF-8 cannot write.")


def _isutf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
