"""crypt-api outside of the Worker: the Python client, the command line, the server and its stores.

`from crypt_api import Client` needs the extra `client`; the server does without it, so it is loaded when asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crypt_api.client import AsyncClient, Client, Receipt, Sent
    from crypt_api.envelope import Content

__all__ = ["AsyncClient", "Client", "Content", "Receipt", "Sent"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("crypt_api.envelope" if name == "Content" else "crypt_api.client"), name)
