"""Where a server's messages lie."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_core.errors import SettingsError
from crypt_core.store import Store


class ServerStore(Store, Protocol):
    """A store with a process of its own around it."""

    def close(self) -> None:
        """Finish what was begun and let go of what is held."""
        ...


def open_store(url: str, *, on_expired: Callable[[int], None] = lambda _: None) -> ServerStore:
    """Open the store that `url` names: `sqlite:///PATH` (relative; a fourth slash makes it absolute) or `memory:`.

    `on_expired` is told how many messages were swept that nobody had read.

    Raises:
        SettingsError: It names none.
        StorageUnavailable: It cannot be opened; the text says why.
    """
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix("sqlite:///")
    if path in ("", url):
        raise SettingsError(f"STORE must be sqlite:///PATH or memory:, not {url!r}")
    return SqliteStore(Path(path), on_expired=on_expired)
