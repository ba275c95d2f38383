"""Everything that can go wrong for a client. The text is made for people; no error carries a secret or a message."""

from datetime import datetime


class CryptApiError(Exception):
    """Something that the client could not do."""


class InvalidLink(CryptApiError):
    """What was given is no link to a message."""


class BadEnvelope(CryptApiError):
    """What the service gave is not what the sender sealed: damaged, forged, or of a newer version."""


class InvalidText(CryptApiError):
    """What was given as text is none: it cannot be written in UTF-8."""


class ContentTooLarge(CryptApiError):
    """The text or file has more than 102,400 bytes."""


class NotFound(CryptApiError):
    """There is no such message: there never was, or its time is up."""


class AlreadyRead(NotFound):
    """Somebody has read it before, at `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The message was read before, at {at.isoformat()}.")
        self.at = at


class Destroyed(NotFound):
    """It was destroyed at `at`: by its sender, or by too many wrong passphrases."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"The message was destroyed at {at.isoformat()}.")
        self.at = at


class PassphraseRequired(CryptApiError):
    """The message takes a passphrase, too."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"The message needs a passphrase; {tries_left} tries are left.")
        self.tries_left = tries_left


class WrongPassphrase(CryptApiError):
    """It takes another passphrase; without tries left, it is destroyed."""

    def __init__(self, tries_left: int) -> None:
        left = f"{tries_left} tries are left" if tries_left else "the message is destroyed now"
        super().__init__(f"Wrong passphrase; {left}.")
        self.tries_left = tries_left


class UnexpectedPassphrase(CryptApiError):
    """It takes no passphrase, and a key made with one would not open it."""


class Refused(CryptApiError):
    """The service did not want the request; the text is its own."""


class RateLimited(Refused):
    """Too many requests; `retry_after` is the seconds to wait."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many requests; wait {retry_after:.0f} seconds.")
        self.retry_after = retry_after


class Unavailable(CryptApiError):
    """The service cannot be reached, or its storage is down. Nothing is lost by that."""


class AnswerLost(Unavailable):
    """The service was asked, and no answer came, again and again: what was asked may have been done."""
