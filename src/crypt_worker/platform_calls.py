"""Calls to the platform, whose errors become errors of the service."""

import re
from collections.abc import Awaitable
from typing import Any

from crypt_core.store import StorageUnavailable


async def platform_call(call: Awaitable[Any]) -> Any:
    """Wait for a call to the platform.

    Raises:
        StorageUnavailable: The call failed. The reason has only the error's kind and status: its text may quote a key.
    """
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - JsException, which exists only in the runtime
        status = re.search(r"\b[45]\d\d\b", str(error))
        raise StorageUnavailable(f"{type(error).__name__} {status[0] if status else ''}".strip()) from None
