"""The errors of the client. Each text is written for people, and no error carries a secret or a message."""

import copyreg
import math
from datetime import datetime
from typing import Any


class CryptApiError(Exception):
    """The client could not do what it was asked to do. All its errors are of this class."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Be the same error in another process: `Exception` would call the class with the text."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class InvalidLink(CryptApiError):
    """The link is not a link to a message, or not to one of the kind that the method needs."""


class WrongLink(InvalidLink):
    """The link is the other one of a question's two links. The text says which one is needed."""


class InvalidText(CryptApiError):
    """The text, the file's name or the passphrase has characters that UTF-8 cannot write; or the token is no token."""


class InvalidEnvironment(CryptApiError):
    """A variable of the environment, such as `HTTPS_PROXY` or `SSL_CERT_FILE`, cannot be used. Nothing was sent."""


class ContentTooLarge(CryptApiError):
    """The text or the files are larger than the service takes, or the name of a file is too long."""


class TooManyFiles(ContentTooLarge):
    """A message has at most 100 files."""


class FileChanged(CryptApiError):
    """A file has changed while it was being sent, or a pipe would have to be read from its start again."""


class UploadExpired(CryptApiError):
    """Sending the files took so long that the first parts of them would be gone too early. Nothing was sent."""


class BadEnvelope(CryptApiError):
    """The service gave out something that the sender did not seal: damaged, forged, or of a newer version."""


class NotFound(CryptApiError):
    """There is no such message: there never was, or it has expired."""


class PartMissing(NotFound):
    """A part of the files is gone: it has expired, or somebody who has read the message has deleted it."""


class AlreadyRead(NotFound):
    """A sealed message was read before.

    Attributes:
        at: When it was last read.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The message was read before, at {at.isoformat()}.")
        self.at = at


class LostRead(AlreadyRead):
    """A sealed message was read, perhaps by this call: the answer to an earlier attempt of it was lost.

    If so, nobody else has the message, and nobody can get it any more.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.args = (f"The message was read at {at.isoformat()}, perhaps by this call, whose answer was lost.",)


class Destroyed(NotFound):
    """A sealed message was destroyed: by somebody who has the link, or by too many wrong passphrases.

    Attributes:
        at: When it was destroyed.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The message was destroyed at {at.isoformat()}.")
        self.at = at


class PassphraseRequired(CryptApiError):
    """The message has a passphrase, and none was given. Nothing was read.

    Attributes:
        tries_left: How many wrong passphrases the message still allows.
    """

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"The message needs a passphrase; {_left(tries_left)}.")
        self.tries_left = tries_left


class WrongPassphrase(CryptApiError):
    """The message has another passphrase. Nothing was read.

    Attributes:
        tries_left: How many wrong passphrases the message still allows. At 0 the message is destroyed.
    """

    def __init__(self, tries_left: int) -> None:
        left = _left(tries_left) if tries_left else "the message is destroyed now"
        super().__init__(f"Wrong passphrase; {left}.")
        self.tries_left = tries_left


class UnexpectedPassphrase(CryptApiError):
    """The message has no passphrase, and a key made with one would not open it. Nothing was read."""


class Refused(CryptApiError):
    """The service did not accept the request. The text is the service's own.

    Attributes:
        code: The service's word for the reason, such as `invalid_field` (`docs/protocol.md` lists them); may be empty.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class NotAnswered(Refused):
    """A question has no answer yet. Nothing was read."""


class AlreadyAnswered(Refused):
    """A question was answered before, by somebody else or by an earlier call. The first answer counts."""


class TokenRequired(Refused):
    """The service takes messages only from those who have one of its tokens."""


class FilesOff(Refused):
    """The service takes no files beyond what fits into a message: 102,400 bytes."""


class RateLimited(Refused):
    """The service allows no more requests from this address for now.

    Attributes:
        retry_after: Seconds to wait.
    """

    def __init__(self, retry_after: float, code: str = "") -> None:
        super().__init__(f"Too many requests; wait {retry_after:.0f} seconds.", code)
        self.retry_after = retry_after


class UploadBudgetExhausted(RateLimited):
    """The service takes no more bytes of files from this address for now.

    Attributes:
        retry_after: Seconds to wait.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after, "upload_budget")
        minutes = math.ceil(retry_after / 60)
        self.args = (f"No more bytes of files are taken from this address; wait {minutes} minutes.",)


class Unavailable(CryptApiError):
    """The service cannot be reached, or its storage is down. Neither loses a message."""


class UntrustedCertificate(Unavailable):
    """The server there has a certificate that this machine does not trust. Nothing was sent."""


class AnswerLost(Unavailable):
    """The service may have got the request, and no answer came back. What was asked may have been done."""


def _left(tries: int) -> str:
    return "1 try is left" if tries == 1 else f"{tries} tries are left"
