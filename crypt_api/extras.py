"""The one way to import a part of crypt-api that needs an extra: when the part is used, and not before.

The extra `client` brings the libraries of the client and the command line, the extra `server` those of the server.
Either works without the other. The extra `valkey` brings the driver of the server's store `valkey`, and the extra
`files` that of object stores, for files. The extra `mcp` brings the client, and the protocol that agents speak. The
package's own names (`crypt_api/__init__.py`), the program (`__main__.py`) and its commands (`cli/__init__.py`) are
imported by `load`.
"""

from importlib import import_module
from types import ModuleType


class MissingExtra(ImportError):
    """An extra that the part needs is not installed. The text says what to do."""


def load(module: str, *extras: str) -> ModuleType:
    """Import `module`, which needs one of `extras`.

    Raises:
        MissingExtra: A library that the module imports is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("crypt_"):
            raise
        needed = " or ".join(f"'{extra}'" for extra in extras)
        raise MissingExtra(
            f"This needs the extra {needed}, and crypt-api was installed without it: 'client' sends and reads "
            "messages, 'server' serves them, 'valkey' keeps them in Valkey or Redis, 'files' keeps files in an object "
            "store, 'mcp' is for agents. Install it again, in the folder that has its source: uv tool install "
            "'.[client,server]' (or '.[client,server,valkey,files,mcp]')."
        ) from error
