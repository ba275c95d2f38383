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


class InvalidJson(ApiError):
    """The body is not JSON that we are willing to parse."""

    status = 400
    text = "Invalid JSON body"


class InvalidMessage(ApiError):
    """There is no message in the body."""

    status = 400
    text = "Field 'message' is required and cannot be empty"


class InvalidTtl(ApiError):
    """The time to live is not a whole number of seconds within the bounds."""

    status = 400

    def __init__(self, minimum: int, maximum: int) -> None:
        super().__init__()
        self.text = f"Field 'ttl' must be a whole number of seconds from {minimum} to {maximum}"


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
