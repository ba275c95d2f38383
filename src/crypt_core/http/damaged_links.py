"""Links that were damaged on their way, as browsers ask for them: mail gateways and chats change links.

A program gets 404 for such a path, as for any other path that is no id.
"""

import re

from crypt_core import ids
from crypt_core.encoding import BASE64URL_OF_16_BYTES, BASE64URL_OF_32_BYTES

_ESCAPED_FRAGMENT = re.compile(r"(?:%(?:25)*23|#)", re.IGNORECASE)
"""A `#` at the start of the path: the secret behind it belongs into the fragment."""

_LINK_OF_A_QUESTION = re.compile(rf"ask\.{BASE64URL_OF_16_BYTES}|answer\.{BASE64URL_OF_32_BYTES}")

_ID = re.compile(r"(?:%[0-9A-F]{2}|[^A-Z0-9%])*([A-Z0-9]*)(?:[^A-Z0-9].*)?", re.DOTALL | re.IGNORECASE | re.ASCII)
"""An id with what cannot be a part of it: a stop, a bracket, `%20`, `&utm_source=…` behind it; a quote before it."""

_SLASHES = re.compile(r"/+([^/]*)(?:/+(?:[^A-Za-z0-9/].*)?)?", re.DOTALL)
"""One segment, with slashes around it that do not belong there, and perhaps with more behind the last one."""


def without_slashes(path: str) -> str | None:
    """Give the path without slashes that do not belong there, as in `/abc12/` or `//abc12`; None for other paths."""
    match = _SLASHES.fullmatch(path)
    return None if match is None else f"/{match[1]}"


def repaired_plain_id(segment: str) -> str | None:
    """Give the id of a plain message in a path's segment; None if there is none. Ids have no capital letters."""
    match = _ID.fullmatch(segment)
    message_id = "" if match is None else match[1].lower()
    return message_id if ids.is_plain(message_id) else None


def is_misplaced_secret(segment: str) -> bool:
    """Whether a path's segment may be the fragment of a sealed message's link, or such a fragment without its `#`.

    The links of an asker and an answerer are links of a sealed message, too.
    """
    if _ESCAPED_FRAGMENT.match(segment) or ids.is_sealed(segment):
        return True
    return _LINK_OF_A_QUESTION.fullmatch(segment) is not None
