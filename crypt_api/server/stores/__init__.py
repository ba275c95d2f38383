"""Where a server's messages lie."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from crypt_api.extras import load
from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.reporting import Observer, Usage
from crypt_api.server.stores.sqlite.path_problem import path_problem
from crypt_api.server.stores.sqlite.storage_room import DEFAULT_STORAGE, MIN_STORAGE
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_core.events import OnEvent, ignore
from crypt_core.limits import client_limits
from crypt_core.limits.client_limits import ClientLimits
from crypt_core.setting_values import SettingsError, parse_size
from crypt_core.settings import Settings
from crypt_core.store import StorageUnavailable, Store

VALKEY_SCHEMES = ("valkey", "valkeys", "redis", "rediss", "unix")


class ServerStore(Store, Protocol):
    """A store with a process of its own around it."""

    async def connect(self) -> None:
        """Make ready for requests, on the event loop that runs. A server calls it before it listens."""
        ...

    @property
    def usage(self) -> Usage:
        """How much room the store takes, and what else its operator has to know."""
        ...

    def close(self) -> None:
        """Finish what was begun and let go of what is held."""
        ...


@runtime_checkable
class SharesLimits(Protocol):
    """A store that can count for all servers that use it."""

    def shared_limits(self, settings: Settings, own: ClientLimits, on_fallback: Callable[[], None]) -> ClientLimits:
        """The limits over all servers.

        `own` counts while the store cannot, and `on_fallback` is called for each request that it counts.
        """
        ...


def open_limits(settings: Settings, store: ServerStore, on_fallback: Callable[[], None]) -> ClientLimits | None:
    """The limits that the settings ask for: over all servers if the store can count for them, else over this one.

    None if the settings switch every limit off. `on_fallback` is called for each request that this server counts alone
    although the store could count it.
    """
    own = client_limits.open_limits(settings)
    if own is None or not isinstance(store, SharesLimits):
        return own
    return store.shared_limits(settings, own, on_fallback)


def open_store(url: str, *, max_storage: str = "", observer: Observer, on_event: OnEvent = ignore) -> ServerStore:
    """Open the store that `url` names.

    It is `sqlite:///PATH` (relative; a fourth slash makes it absolute), `valkey://HOST:PORT/DB?replicas=N` and its kin
    (see `valkey/url.py`), or `memory:`.

    `max_storage` is the cap for the database's files, as `parse_size` reads it; empty is the default. `on_event`
    receives what senders want to be told.

    Raises:
        SettingsError: It names none. The text quotes nothing of the URL, which may have a password.
        StorageUnavailable: It cannot be opened; the text says why.
    """
    if not _is_utf8(url):  # an environment variable may have any bytes
        raise SettingsError("STORE must be in UTF-8")
    if (path := database_path(url)) is not None:
        return _open_sqlite(path, _max_bytes(max_storage), observer, on_event)
    if is_memory(url):
        return MemoryStore(on_event=on_event)
    scheme, rest = _split(url)
    if scheme in VALKEY_SCHEMES and rest.startswith("//"):
        return _open_valkey(f"{scheme}:{rest}", on_event)
    quoted = " It begins with a quotation mark: leave the marks out." if url.strip()[:1] in ("'", '"') else ""
    raise SettingsError(f"STORE must be sqlite:///PATH, valkey://HOST:PORT/DB or memory:.{quoted}")


def database_path(url: str) -> Path | None:
    """The file that a store's URL names; None if its store is another one.

    Raises:
        SettingsError: It is no path of a file.
    """
    scheme, rest = _split(url)
    return _path(rest[3:]) if scheme == "sqlite" and rest.startswith("///") else None


def is_memory(url: str) -> bool:
    """Whether a store's URL names the store in memory."""
    return _split(url) == ("memory", "") and ":" in url


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.strip().partition(":")
    return scheme.lower(), rest


def _open_sqlite(path: Path, max_bytes: int, observer: Observer, on_event: OnEvent) -> ServerStore:
    try:
        return SqliteStore(path, max_bytes=max_bytes, observer=observer, on_event=on_event)
    except StorageUnavailable as error:
        if problem := path_problem(path):
            raise StorageUnavailable(f"{error}: {problem}") from None
        raise


def _path(text: str) -> Path:
    if ":memory:" in text:
        raise SettingsError("STORE: sqlite:///:memory: would be a file of that name; the store in memory is memory:")
    if not text or "?" in text:
        raise SettingsError("STORE must be sqlite:///PATH with the path of a file, and has no options then")
    if os.path.basename(text) in ("", ".", ".."):  # noqa: PTH119 - `Path` would drop them, and name another file
        raise SettingsError("STORE must be sqlite:///PATH with the path of a file, and this one is that of a folder")
    return Path(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _max_bytes(max_storage: str) -> int:
    size = parse_size("MAX_STORAGE", max_storage) if max_storage else DEFAULT_STORAGE
    if 0 < size < MIN_STORAGE:
        raise SettingsError(
            f"MAX_STORAGE must be 0, for no cap, or at least {MIN_STORAGE >> 20}MiB, not {max_storage!r}"
        )
    return size


def _open_valkey(url: str, on_event: OnEvent) -> ServerStore:
    load("crypt_api.server.stores.valkey.connection", "valkey")  # its driver is an extra
    from crypt_api.server.stores.valkey.store import ValkeyStore  # noqa: PLC0415
    from crypt_api.server.stores.valkey.url import parse_url  # noqa: PLC0415

    store = ValkeyStore(parse_url(url), on_event=on_event)
    store.check()
    return store
