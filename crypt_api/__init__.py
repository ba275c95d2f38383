"""crypt-api outside of the Worker: the Python client, the command line, and the server with its stores.

`from crypt_api import Client` needs the extra `client`. The server works without it, so the client is loaded lazily.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crypt_api.client import errors
    from crypt_api.client.client import AsyncClient, Client
    from crypt_api.client.envelope import Content
    from crypt_api.client.protocol import Receipt, Sent

__all__ = ["AsyncClient", "Client", "Content", "Receipt", "Sent", "errors"]

_MODULES = {
    "AsyncClient": "client",
    "Client": "client",
    "Content": "envelope",
    "Receipt": "protocol",
    "Sent": "protocol",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("crypt_api.client.errors")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"crypt_api.client.{_MODULES[name]}"), name)
