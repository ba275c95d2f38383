"""Where the parts of a server's files lie."""

from pathlib import Path
from typing import Protocol

from crypt_api.server.parts.folder import FolderPartStore
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.parts.room import DEFAULT_FILE_STORAGE, FilesUsage
from crypt_core.errors import SettingsError
from crypt_core.parts import MAX_PART_BYTES, PartStore
from crypt_core.sizes import parse_size


class ServerPartStore(PartStore, Protocol):
    """A store of parts with a process of its own around it."""

    @property
    def usage(self) -> FilesUsage:
        """How much room the parts take, and whether new ones are refused."""
        ...

    def close(self) -> None:
        """Finish what was begun, and close what is open."""
        ...


def open_parts(store: str, *, max_file_storage: str = "") -> ServerPartStore | None:
    """Open the place for parts that goes with the messages' store, whose URL is `store`; None if files are off.

    With `sqlite:///PATH` it is the folder `PATH-files`. Several servers have no folder in common: with an engine, files
    are off.

    Raises:
        SettingsError: `max_file_storage` is no size, or too small for a part.
        StorageUnavailable: The folder cannot be used; the text says why.
    """
    max_bytes = parse_size("MAX_FILE_STORAGE", max_file_storage) if max_file_storage else DEFAULT_FILE_STORAGE
    if not max_bytes:
        return None
    if max_bytes < MAX_PART_BYTES:
        raise SettingsError(f"MAX_FILE_STORAGE must be 0, for no files, or at least {MAX_PART_BYTES} bytes")
    if store == "memory:":
        return MemoryPartStore(max_bytes)
    path = store.removeprefix("sqlite:///")
    return FolderPartStore(Path(f"{path}-files"), max_bytes=max_bytes) if path != store else None
