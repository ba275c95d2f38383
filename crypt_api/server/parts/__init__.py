"""Where the parts of a server's files lie."""

from typing import NamedTuple, Protocol

from crypt_api.extras import load
from crypt_api.server.parts.file_storage_room import DEFAULT_FILE_STORAGE, FilesUsage
from crypt_api.server.parts.folder import FolderPartStore
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.parts.object_store_url import ObjectStoreSettings, parse_url
from crypt_api.server.stores import database_path, is_memory
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


class PartSettings(NamedTuple):
    """The operator's settings.

    Attributes:
        object_store: Where parts lie; None if they lie with the messages.
        max_bytes: The cap for parts that lie with the messages; 0 switches files off everywhere.
    """

    object_store: ObjectStoreSettings | None
    max_bytes: int

    @classmethod
    def parse(cls, *, files: str = "", max_file_storage: str = "") -> "PartSettings":
        """Read the URL of an object store, or "", and the cap, as `parse_size` reads it, or "".

        Raises:
            SettingsError: `files` is no such URL; or `max_file_storage` is no size, or too small for a part.
        """
        max_bytes = parse_size("MAX_FILE_STORAGE", max_file_storage) if max_file_storage else DEFAULT_FILE_STORAGE
        if 0 < max_bytes < MAX_PART_BYTES:
            raise SettingsError(f"MAX_FILE_STORAGE must be 0, for no files, or at least {MAX_PART_BYTES} bytes")
        return cls(parse_url(files) if files and max_bytes else None, max_bytes)


def open_parts(store: str, settings: PartSettings) -> ServerPartStore | None:
    """Open the place for parts; None if files are off.

    It is the object store, if there is one. Otherwise it is the place that goes with the messages' store, whose URL is
    `store`: with `sqlite:///PATH`, the folder `PATH-files`. Several servers have no folder in common: with an engine
    and no object store, files are off.

    Raises:
        StorageUnavailable: The folder or the object store cannot be used; the text says why.
        MissingExtra: The object store needs a library that is not installed.
    """
    if not settings.max_bytes:
        return None
    if settings.object_store is not None:
        return _open_object_store(settings.object_store)
    if is_memory(store):
        return MemoryPartStore(settings.max_bytes)
    database = database_path(store)
    if database is None:
        return None
    return FolderPartStore(database.with_name(f"{database.name}-files"), max_bytes=settings.max_bytes)


def _open_object_store(settings: ObjectStoreSettings) -> ServerPartStore:
    load("crypt_api.server.parts.object_store", "files")  # obstore is an extra
    from crypt_api.server.parts.object_store import ObjectPartStore  # noqa: PLC0415

    return ObjectPartStore(settings)
