"""crypt-api outside of the Worker: the Python client, the command line, and the server with its stores.

`from crypt_api import Client` needs the extra `client`, and the server does not. So the client is imported when one of
its names is first used.
"""

from typing import TYPE_CHECKING, Any

from crypt_api.extras import load

__all__ = [
    "Asked",
    "AsyncClient",
    "AsyncFile",
    "AsyncMessage",
    "Attachment",
    "Client",
    "File",
    "Message",
    "Question",
    "Receipt",
    "Sent",
    "errors",
]

if TYPE_CHECKING:
    from crypt_api.client import (
        Asked,
        AsyncClient,
        AsyncFile,
        AsyncMessage,
        Attachment,
        Client,
        File,
        Message,
        Question,
        Receipt,
        Sent,
        errors,
    )
else:  # hidden from type checkers: to them, a module with a `__getattr__` has every name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(load("crypt_api.client", "client"), name)
