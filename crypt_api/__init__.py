"""crypt-api outside of the Worker: the Python client, the command line, the server and its stores.

`from crypt_api import Client` needs the extra `client`; the server does without it, so it is loaded when asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crypt_api.client import AsyncClient, Client
    from crypt_api.envelope import Content
    from crypt_api.exchanges import Receipt, Sent

__all__ = ["AsyncClient", "Client", "Content", "Receipt", "Sent"]

_MODULES = {
    "AsyncClient": "client",
    "Client": "client",
    "Content": "envelope",
    "Receipt": "exchanges",
    "Sent": "exchanges",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"crypt_api.{_MODULES[name]}"), name)
