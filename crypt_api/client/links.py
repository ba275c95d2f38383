"""Links to messages: which service a link names, and which plain message.

A plain message has the link `https://host/ID`, a sealed message `https://host/#SECRET`; `envelope.Secret` reads the
secret.
"""

from urllib.parse import urlsplit

import httpx

from crypt_api.client.errors import InvalidLink, NotFound
from crypt_core import ids


def origin_of(link: str) -> str:
    """Give the service's address, such as `https://example.org`, that a link starts with.

    Raises:
        InvalidLink: The link has no such address; or the client would have to speak to it unencrypted over a network;
            or the address has a user or a password, which would then be in every link.
    """
    try:
        url = urlsplit(link)
        httpx.URL(f"{url.scheme}://{url.netloc}")
        is_local = url.hostname in ("localhost", "127.0.0.1", "::1")
    except (ValueError, httpx.InvalidURL):
        raise InvalidLink("This is not a web address.") from None
    if "@" in url.netloc:
        raise InvalidLink("The address must not have a user or a password in it.")
    if url.netloc and (url.scheme == "https" or (url.scheme == "http" and is_local)):
        return f"{url.scheme}://{url.netloc}"
    raise InvalidLink("A link starts with https://, or with http://localhost.")


def plain_id_of(link: str) -> str | None:
    """Give the id in a plain message's link, such as `https://example.org/k3x9q`; None for a sealed message's link."""
    address, _, secret = link.partition("#")
    path = address.partition("?")[0].partition("://")[2].partition("/")[2].strip("/")
    return path if path and not secret else None


def plain_url(origin: str, message_id: str) -> str:
    """Give the address of a plain message.

    Raises:
        NotFound: No plain message can have this id.
    """
    if not ids.is_plain(message_id):
        raise NotFound("There is no such message: this is not the id of one.")
    return f"{origin}/{message_id}"
