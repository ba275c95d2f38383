"""Everything that can go wrong on purpose, and what the client is told of it.

The class says what happened, `status` and `text` say it on the wire, and the exception's own argument
is the reason for the operator's log. No error carries an id or a message.
"""

from collections.abc import Mapping
from typing import ClassVar


class SettingsError(ValueError):
    """A setting has a value that cannot be used. The text names the setting and what it may be."""


class ApiError(Exception):
    """The request gets an error for an answer."""

    status: ClassVar[int] = 500
    text: str = "Internal server error"

    @property
    def headers(self) -> Mapping[str, str]:
        return {}

    @property
    def body(self) -> Mapping[str, object]:
        return {"error": self.text}


class InvalidJson(ApiError):
    """The body is not JSON that we are willing to parse."""

    status = 400
    text = "Invalid JSON body"


class InvalidMessage(ApiError):
    """There is no message in the body."""

    status = 400
    text = "Field 'message' is required and cannot be empty"


class InvalidField(ApiError):
    """A field has a value that it cannot have."""

    status = 400

    def __init__(self, name: str, requirement: str) -> None:
        super().__init__()
        self.text = f"Field '{name}' {requirement}"


class UnknownField(ApiError):
    """A sealed message's request is taken at its word, so it must not have words that are not understood."""

    status = 400

    def __init__(self, name: str) -> None:
        super().__init__()
        self.text = f"Unknown field '{name[:50]}'"


class InvalidNonce(ApiError):
    """The header that makes a read repeatable does not hold a nonce."""

    status = 400
    text = "Header 'Idempotency-Key' must be 1 to 255 visible ASCII characters"


class AuthorizationRequired(ApiError):
    """A sealed message is asked for without its proof. Whether there is one is not told."""

    status = 401
    text = "Authorization required"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class _PassphraseRefused(ApiError):
    """The link's proof is right; the passphrase's is not, or is not there."""

    def __init__(self, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left

    @property
    def body(self) -> Mapping[str, object]:
        return {**super().body, "tries_left": self.tries_left}


class PassphraseMissing(_PassphraseRefused, AuthorizationRequired):
    """The message takes a passphrase, too."""

    text = "Passphrase required"


class WrongPassphrase(_PassphraseRefused):
    """It takes another one."""

    status = 403
    text = "Wrong passphrase"


class PassphraseNotExpected(ApiError):
    """It takes none. Handing it out would destroy it for a reader whose key cannot open it."""

    status = 403
    text = "Message has no passphrase"


class IdInUse(ApiError):
    """Another message lives, or lived, under the id that the client chose."""

    status = 409
    text = "ID is already in use"


class MessageTooLarge(ApiError):
    """The message, or a body that no valid request needs, is over its limit."""

    status = 413
    text = "Message exceeds maximum size of 100KB"


class MessageNotFound(ApiError):
    """Unknown, expired or already read: deliberately one and the same."""

    status = 404
    text = "Message not found"


class RouteNotFound(ApiError):
    """The path names nothing that this service has."""

    status = 404
    text = "Not found"


class MethodNotAllowed(ApiError):
    """The path is known, the method is not one of its own."""

    status = 405
    text = "Method not allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__()
        self.allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class PrefetchRefused(ApiError):
    """Nobody asked for this message yet: a browser only guesses that somebody might."""

    status = 403
    text = "Prefetching is refused"


class UnfurlerRefused(ApiError):
    """A robot wants to draw a preview of a link. Handing it the message would destroy it."""

    status = 403
    text = "Link previews are refused"


class CrossSiteRefused(ApiError):
    """Another site, and not this one's own page, sent the form that reveals a message."""

    status = 403
    text = "Cross-site request refused"


class RateLimited(ApiError):
    """The client has used up its requests of this window."""

    status = 429
    text = "Rate limit exceeded"

    def __init__(self, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__()
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class StorageUnavailable(ApiError):
    """The store did not do what it was asked, and changed nothing. The argument is the reason, for the log."""

    status = 503
    text = "Storage unavailable"
    retry_after: ClassVar[int] = 5  # seconds; a guess at how long a full disk or a lagging replica lasts

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class NoUniqueId(ApiError):
    """Every id that was tried is in use: ids are too short for so many messages."""

    status = 500
    text = "Could not generate a unique ID"
