"""The Python client, blocking. What it says to the service is in `protocol.py`, how it waits in `drivers.py`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import httpx

from crypt_api.client import protocol
from crypt_api.client.drivers import Driver
from crypt_api.client.envelope import Content
from crypt_api.client.idempotency_keys import IdempotencyKeys
from crypt_api.client.links import origin_of, parse_link, plain_url
from crypt_api.client.receipts import Receipt, Sent


class Client:
    """Sends messages to a service, and reads and destroys them. Close it, or use it in a `with`.

    Requests that got lost are sent again, where that is safe. A response that is larger or slower than any of the
    service is given up. Each method lists its own errors. Besides them, any method may raise `Unavailable`,
    `UntrustedCertificate`, `AnswerLost`, `RateLimited`, `TokenRequired`, `Refused` and `InvalidEnvironment`.

    A proxy and certificates are taken from the usual variables: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`,
    `SSL_CERT_FILE`, `SSL_CERT_DIR`. No proxy is asked for a service on this machine.

    Example:
        >>> from crypt_api import Client
        >>> with Client("https://example.org") as client:
        ...     sent = client.send("the key is under the mat", ttl=3600)
        ...     client.read(sent.link).text
        'the key is under the mat'
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Choose the service that messages are sent to. Messages are read from the service that their link names.

        Args:
            server: The service's address, such as `https://example.org`.
            token: What the service wants of those who send messages, if it wants anything.
            transport: How requests are sent, instead of httpx's own way.
            sleep: How to wait for a number of seconds before a request is sent again.

        Raises:
            InvalidLink: `server` is not an address, or would be spoken to unencrypted over a network.

        Example:
            >>> from crypt_api import Client, Content, errors
            >>> client = Client("https://example.org")
        """
        self._server = origin_of(server)
        self._token = token
        self._keys = IdempotencyKeys()
        self._driver = Driver(transport, sleep)

    def send(
        self, content: Content | str, *, ttl: int | None = None, reads: int = 1, passphrase: str | None = None
    ) -> Sent:
        """Encrypt a message, and store it.

        Args:
            content: A text, or a `Content` for a file.
            ttl: Seconds until the message expires, from 60; the service's default is a day.
            reads: How often the message can be read, from 1 to 100.
            passphrase: What the reader needs besides the link.

        Raises:
            ContentTooLarge: The message has more than 102,400 bytes, or the file's name is too long.
            InvalidText: The text, the file's name or the passphrase cannot be written in UTF-8.

        Example:
            >>> sent = client.send("the key is under the mat", reads=2, passphrase="correct horse")
            >>> file = Content(b"...", name="map.png", media_type="image/png")
            >>> link = client.send(file).link
        """
        return self._driver.run(protocol.send(self._server, content, ttl, reads, passphrase, self._token))

    def read(self, link: str, *, passphrase: str | None = None) -> Content:
        """Read the message at `link`. Its last read destroys it.

        Raises:
            InvalidLink: `link` is not a link to a message.
            NotFound: There is no such message; `AlreadyRead` or `Destroyed` where that is known.
            PassphraseRequired: The message has a passphrase. Nothing was read.
            UnexpectedPassphrase: The message has no passphrase. Nothing was read.
            WrongPassphrase: The message has another passphrase. Nothing was read.
            BadEnvelope: The service gave out something that the sender did not seal.

        Example:
            >>> client.read(sent.link, passphrase="correct horse").text
            'the key is under the mat'
            >>> client.read(sent.link)
            Traceback (most recent call last):
                ...
            crypt_api.client.errors.PassphraseRequired: The message needs a passphrase; 10 tries are left.
            >>> client.read(link).name
            'map.png'
            >>> try:
            ...     client.read(link)
            ... except errors.AlreadyRead as error:
            ...     print("Somebody was here before, at", error.at)
            Somebody was here before, at ...
        """
        with self.reading(link, passphrase=passphrase) as content:
            return content

    @contextmanager
    def reading(self, link: str, *, passphrase: str | None = None) -> Iterator[Content]:
        """Read the message at `link`, and acknowledge it when the block has ended without an exception.

        The service keeps the message for a minute, for this client alone, unless it is acknowledged before. So use this
        instead of `read` if the message must not be lost on its way to a file, say. If the block fails, or the read
        itself is interrupted, the same `Client` can read the same message again within that minute. For any other
        `Client`, also one of the same program, the message is read. Raises what `read` raises.

        Example:
            >>> from pathlib import Path
            >>> link = client.send("the key is under the mat").link
            >>> with client.reading(link) as content:
            ...     size = Path("message").write_bytes(content.data)
        """
        with self._keys.key_for(parse_link(link).address) as key:
            leased = self._driver.run(protocol.read(link, passphrase, key))
            yield leased.content
            self._driver.run(protocol.acknowledge(leased))

    def receipt(self, link: str) -> Receipt:
        """Tell what has become of the sealed message at `link`, without reading it.

        Raises:
            InvalidLink: `link` is not a link to a sealed message.
            NotFound: There is no such message, or it has expired.

        Example:
            >>> client.receipt(link).state
            'read'
        """
        return self._driver.run(protocol.receipt(link))

    def destroy(self, link: str) -> None:
        """Destroy the message at `link`, unread or with reads left.

        Raises:
            InvalidLink: `link` is not a link to a message.
            NotFound: There is no such message; `AlreadyRead` or `Destroyed` where that is known.

        Example:
            >>> unread = client.send("the key is under the mat").link
            >>> client.destroy(unread)
            >>> client.receipt(unread).state
            'destroyed'
        """
        self._driver.run(protocol.destroy(link))

    def create_plain(self, message: str, *, ttl: int | None = None) -> str:
        """Store a message as it is, and give its id. The service can read such a message.

        Args:
            message: The text.
            ttl: Seconds until the message expires, from 60; the service's default is a day.

        Raises:
            ContentTooLarge: The message has more than 102,400 bytes.
            InvalidText: The text cannot be written in UTF-8.

        Example:
            >>> message_id = client.create_plain("until noon")
        """
        return self._driver.run(protocol.create_plain(self._server, message, ttl, self._token))

    def read_plain(self, message_id: str) -> str:
        """Read a plain message, and so destroy it.

        Raises:
            NotFound: There is no such message.

        Example:
            >>> client.read_plain(message_id)
            'until noon'
        """
        return self.read(plain_url(self._server, message_id)).text

    def destroy_plain(self, message_id: str) -> None:
        """Destroy a plain message unread.

        Raises:
            NotFound: There is no such message.

        Example:
            >>> client.destroy_plain(client.create_plain("until noon"))
        """
        self.destroy(plain_url(self._server, message_id))

    def close(self) -> None:
        """Close the client's connections. A `with` does so at its end.

        Example:
            >>> client.close()
        """
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
