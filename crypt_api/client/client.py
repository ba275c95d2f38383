"""The Python client, blocking. What it says to the service is in `protocol.py`, how it waits in `drivers.py`."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

import httpx

from crypt_api.client import asking, protocol
from crypt_api.client.attachments import Attachment
from crypt_api.client.connections import TIMEOUT
from crypt_api.client.downloads import open_ticket
from crypt_api.client.drivers import Driver
from crypt_api.client.idempotency_keys import IdempotencyKeys
from crypt_api.client.links import answer_link, origin_of, parse_link, plain_url
from crypt_api.client.messages import Message, is_over, message_of
from crypt_api.client.receipts import Asked, Question, Receipt, Sent
from crypt_api.client.steps import Conversation
from crypt_api.client.uploads import ReportProgress, Upload, opened_upload

T = TypeVar("T")


class Client:
    """Sends messages to a service, and reads and destroys them. Close it, or use it in a `with`.

    Requests that got lost are sent again, where that is safe. A response that is larger or slower than any of the
    service is given up. Each method lists its own errors. Besides them, any method may raise `Unavailable`,
    `UntrustedCertificate`, `AnswerLost`, `RateLimited`, `TokenRequired`, `Refused` and `InvalidEnvironment`.

    Threads may share a client, and so may processes after a fork: each process has connections of its own.

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
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Choose the service that messages are sent to. Messages are read from the service that their link names.

        Args:
            server: The service's address, such as `https://example.org`.
            token: What the service wants of those who send messages, if it wants anything.
            timeout: Seconds that a connection may be silent.
            transport: How requests are sent, instead of httpx's own way.
            sleep: How to wait for a number of seconds before a request is sent again.

        Raises:
            InvalidLink: `server` is not an address, or would be spoken to unencrypted over a network.

        Example:
            >>> from crypt_api import Attachment, Client, errors
            >>> client = Client("https://example.org")
        """
        self._server = origin_of(server)
        self._token = token
        self._keys = IdempotencyKeys()
        self._driver = Driver(transport, sleep, timeout)

    def send(  # noqa: PLR0913 - what a message is made of
        self,
        text: str = "",
        *,
        files: Iterable[Attachment | Path | str] = (),
        ttl: int | None = None,
        reads: int = 1,
        passphrase: str | None = None,
        notify: str | None = None,
        progress: ReportProgress | None = None,
        journal: Path | None = None,
    ) -> Sent:
        """Encrypt a message, and store it.

        Files that do not fit into the message, 102,400 bytes, are sent in parts before it: one part is in memory at a
        time. If the message cannot be sent after all, or is interrupted, the parts are deleted again.

        Args:
            text: The text; with files, a note to them.
            files: Up to 100 files: their paths, or `Attachment`s for bytes, streams and other names.
            ttl: Seconds until the message expires, from 60; the service's default is a day.
            reads: How often the message can be read, from 1 to 100.
            passphrase: What the reader needs besides the link.
            notify: A reference of yours, 1 to 64 visible ASCII characters: by it, the service's webhook tells what
                becomes of the message. A service without a webhook refuses it.
            progress: Called with the bytes of large files that are done, and with all bytes, or None while their number
                is not known.
            journal: A path for a file that remembers the upload of large files, so that the same call, also of a later
                run of the program, goes on with it. It has the files' key, and is removed when the message was sent. If
                the service cannot be reached any more, or takes no more bytes for now, the journal and the parts stay.

        Raises:
            ContentTooLarge: The text or the files are larger than the service takes, or a file's name is too long.
            FilesOff: The service takes no files beyond 102,400 bytes together.
            UploadBudgetExhausted: The service takes no more bytes of files from this address for now.
            FileChanged: A file has changed while it was being sent.
            UploadExpired: Sending the files took too long.
            InvalidText: The text, a file's name or the passphrase cannot be written in UTF-8.
            OSError: A file cannot be read, or is no regular file.

        Example:
            >>> sent = client.send("the key is under the mat", reads=2, passphrase="correct horse")
            >>> link = client.send("as promised", files=[Attachment(b"...", name="map.png")]).link
        """
        with opened_upload(self._server, files, self._token, progress, journal) as upload:
            outgoing = protocol.Outgoing(text, upload.files, ttl, reads, passphrase, notify)
            return self._finished(protocol.send(self._server, outgoing, self._token, upload), upload)

    def ask(self, question: str = "", *, ttl: int | None = None, notify: str | None = None) -> Asked:
        """Ask for a secret: store an encrypted question, and get its two links: one answers it, one reads the answer.

        Only the second link reads the answer, with `read` or `reading`, once; `receipt` tells whether there is one, and
        `destroy` ends it all. The service can read neither question nor answer.

        Args:
            question: What you ask for; anybody with the answer link sees it. It may be empty.
            ttl: Seconds until the question expires, from 60; the service's default is a day. The answer is kept as
                long, from its arrival.
            notify: As in `send`; an answer is told, too.

        Raises:
            ContentTooLarge: The question has more than 102,400 bytes.
            InvalidText: The question cannot be written in UTF-8.

        Example:
            >>> asked = client.ask("What is the password of the router?", ttl=3600)
            >>> client.receipt(asked.ask_link).state
            'asked'
        """
        return self._driver.run(asking.ask_for(self._server, question, ttl, notify, self._token))

    def question(self, link: str) -> Question:
        """Show what is asked at `link`, an answer link. This changes nothing.

        Raises:
            InvalidLink: `link` is no answer link; `WrongLink` if it is the ask link.
            NotFound: There is no such question, or it has expired; `Destroyed` where that is known.
            AlreadyAnswered: It was answered before.
            BadEnvelope: The service gave out something that the asker did not seal.

        Example:
            >>> client.question(asked.answer_link).text
            'What is the password of the router?'
        """
        return self._driver.run(asking.get_question(link))

    def answer(
        self,
        link: str,
        text: str = "",
        *,
        files: Iterable[Attachment | Path | str] = (),
        progress: ReportProgress | None = None,
        journal: Path | None = None,
    ) -> datetime:
        """Answer the question at `link`, encrypted for its asker alone. The first answer counts.

        Nobody needs a token of the service to answer. Large files are sent as by `send`.

        Args:
            link: The answer link.
            text: The answer; with files, a note to them.
            files: See `send`.
            progress: See `send`.
            journal: See `send`.

        Returns:
            Until when the answer is kept, if nobody reads it.

        Raises:
            InvalidLink: `link` is no answer link; `WrongLink` if it is the ask link.
            NotFound: There is no such question, or it has expired; `Destroyed` where that is known.
            AlreadyAnswered: It was answered before.
            CryptApiError: What `send` raises for its text and its files.

        Example:
            >>> expires_at = client.answer(asked.answer_link, "correct horse", files=[Attachment(b"...", "map.png")])
            >>> answer = client.read(asked.ask_link)
            >>> answer.text, answer.files[0].name
            ('correct horse', 'map.png')
        """
        origin, key = answer_link(link)
        with opened_upload(origin, files, asking.upload_token(key), progress, journal) as upload:
            return self._finished(asking.answer(link, text, upload), upload)

    def read(self, link: str, *, passphrase: str | None = None) -> Message:
        """Read the message at `link`, or the answer to a question of yours. Its last read destroys it.

        Small files come with the message. The bytes of large ones are fetched when they are asked for.

        A `KeyboardInterrupt` while the read is acknowledged loses the message; in the block of `reading`, you have it.

        Raises:
            InvalidLink: `link` is not a link to a message; `WrongLink` if it is an answer link.
            NotFound: There is no such message; `AlreadyRead` or `Destroyed` where that is known.
            NotAnswered: `link` is an asker's, and nobody has answered yet. Nothing was read.
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
            >>> message = client.read(link)
            >>> message.text, message.files[0].name
            ('as promised', 'map.png')
            >>> try:
            ...     client.read(link)
            ... except errors.AlreadyRead as error:
            ...     print("Somebody was here before, at", error.at)
            Somebody was here before, at ...
        """
        with self.reading(link, passphrase=passphrase) as message:
            return message

    @contextmanager
    def reading(self, link: str, *, passphrase: str | None = None) -> Iterator[Message]:
        """Read the message at `link`, and acknowledge it when the block has ended without an exception.

        The service keeps the message for a minute, for this client alone, unless it is acknowledged before. So use this
        instead of `read` if the message must not be lost on its way to a file, say. If the block fails, or the read
        itself is interrupted, the same `Client` can read the same message again within that minute. For any other
        `Client`, also one of the same program, the message is read. Raises what `read` raises.

        Large files may take longer than that minute: the message is then erased, and its files can still be fetched.
        If each of them was saved or read in the block, and nobody else is to read them, they are deleted at its
        end. After a block that failed, the `Message` itself can still fetch them.

        Example:
            >>> link = client.send(files=[Attachment(b"...", name="map.png")]).link
            >>> with client.reading(link) as message:
            ...     path = message.files[0].save("map.png")
        """
        with self._keys.claim(parse_link(link).address) as claim:
            leased = self._driver.run(protocol.read(link, passphrase, claim.key))
            claim.is_leased = True
            message = message_of(self._driver.run, leased.text, leased.download)
            yield message
            self._driver.run(protocol.acknowledge(leased))
        if is_over(leased.download):
            message.delete_parts()

    def resume(self, ticket: str) -> Message:
        """Open the files of a message that was read before, with what `Message.ticket` gave.

        Raises:
            BadEnvelope: It is no ticket.
        """
        download = open_ticket(ticket)
        return message_of(self._driver.run, download.manifest.note, download)

    def receipt(self, link: str) -> Receipt:
        """Tell what has become of the sealed message at `link`, without reading it. Both links of a question will do.

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

        Nobody can find or open its files after that. Parts of large files stay until they expire, as noise: only their
        key could delete them, and to get the key would be to read the message.

        Raises:
            InvalidLink: `link` is not a link to a message; `WrongLink` if it is an answer link.
            NotFound: There is no such message; `AlreadyRead` or `Destroyed` where that is known.

        Example:
            >>> unread = client.send("the key is under the mat").link
            >>> client.destroy(unread)
            >>> client.receipt(unread).state
            'destroyed'
        """
        self._driver.run(protocol.destroy(link))

    def create_plain(self, message: str, *, ttl: int | None = None, notify: str | None = None) -> str:
        """Store a message as it is, and give its id. The service can read such a message.

        Args:
            message: The text.
            ttl: Seconds until the message expires, from 60; the service's default is a day.
            notify: As in `send`.

        Raises:
            ContentTooLarge: The message has more than 102,400 bytes.
            InvalidText: The text cannot be written in UTF-8.

        Example:
            >>> message_id = client.create_plain("until noon")
        """
        return self._driver.run(protocol.create_plain(self._server, message, ttl, notify, self._token))

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

    def _finished(self, conversation: Conversation[T], upload: Upload) -> T:
        """Carry out what sends the files. If it cannot go on later, its parts are deleted again."""
        try:
            return self._driver.run(conversation)
        except BaseException as error:  # an interruption, too
            if not upload.can_go_on_after(error):
                self._driver.run(upload.withdraw())
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
