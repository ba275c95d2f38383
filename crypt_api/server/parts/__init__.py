"""Where the parts of a server's files lie."""

from pathlib import Path
from typing import Protocol

from crypt_api.extras import load
from crypt_api.server.parts.file_storage_room import DEFAULT_FILE_STORAGE, FilesUsage
from crypt_api.server.parts.folder import FolderPartStore
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.parts.object_store_url import parse_url
from crypt_core.parts import MAX_PART_BYTES, PartStore
from crypt_core.setting_values import SettingsError, parse_size


class ServerPartStore(PartStore, Protocol):
    """A store of parts with a process of its own around it."""

    @property
    def usage(self) -> FilesUsage:
        """How much room the parts take, and whether new ones are refused."""
        ...

    def close(self) -> None:
        """Finish what was begun, and close what is open."""
        ...


def open_parts(store: str, *, files: str = "", max_file_storage: str = "") -> ServerPartStore | None:
    """Open the place for parts; None if files are off.

    It is the object store whose URL is `files`. Without that URL, it is the place that goes with the messages' store,
    whose URL is `store`: with `sqlite:///PATH`, the folder `PATH-files`. Several servers have no folder in common: with
    an engine and no `files`, files are off.

    `max_file_storage` is the cap for the folder, as `parse_size` reads it; an object store has its own. 0 switches
    files off in both.

    Raises:
        SettingsError: `files` is no such URL; or `max_file_storage` is no size, or too small for a part.
        StorageUnavailable: The folder or the object store cannot be used; the text says why.
        MissingExtra: `files` needs a library that is not installed.
    """
    max_bytes = parse_size("MAX_FILE_STORAGE", max_file_storage) if max_file_storage else DEFAULT_FILE_STORAGE
    if not max_bytes:
        return None
    if max_bytes < MAX_PART_BYTES:
        raise SettingsError(f"MAX_FILE_STORAGE must be 0, for no files, or at least {MAX_PART_BYTES} bytes")
    if files:
        return _open_object_store(files)
    if store == "memory:":
        return MemoryPartStore(max_bytes)
    path = store.removeprefix("sqlite:///")
    return FolderPartStore(Path(f"{path}-files"), max_bytes=max_bytes) if path != store else None


def _open_object_store(url: str) -> ServerPartStore:
    settings = parse_url(url)
    load("crypt_api.server.parts.object_store", "files")  # obstore is an extra
    from crypt_api.server.parts.object_store import ObjectPartStore  # noqa: PLC0415

    return ObjectPartStore(settings)
