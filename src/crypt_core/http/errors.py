"""Every error response: its status, its text, its code, and its headers, such as Retry-After.

A handler raises an `ApiError`. The class says what happened; `status`, `text` and `code` say it to the client, and
`hint` to the person behind it; the exception's own argument is the reason, for the operator's log. No error carries an
id or a message.

Clients of the first version of the API compare texts, so those errors are `{"error": text}` and stay so. Errors that
came later also have a `code`: one stable word, which clients compare instead of the text.
"""

import logging
import math
import traceback
from collections.abc import Mapping
from typing import ClassVar

from crypt_core.http.headers import COMMON_HEADERS
from crypt_core.http.types import Response, json_response
from crypt_core.limits.guesses import NoMissLeft
from crypt_core.setting_values import SettingsError
from crypt_core.store import StorageUnavailable

logger = logging.getLogger(__name__)

STORAGE_RETRY_AFTER = 5
"""Seconds; a guess at how long a full disk or a lagging replica lasts."""

CONNECTION_RETRY_AFTER = 1
"""Seconds; a server that is full drops an idle connection at once, if it finds one."""


class ApiError(Exception):
    """The request gets an error as its response."""

    status: int = 500
    text: str = "Internal server error"
    code: ClassVar[str] = ""
    hint: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        return {}

    @property
    def body(self) -> Mapping[str, object]:
        optional = {name: value for name, value in (("code", self.code), ("hint", self.hint)) if value}
        return {"error": self.text} | optional


class InvalidJson(ApiError):
    """The body is not JSON, or JSON that is nested too deeply."""

    status = 400
    text = "Invalid JSON body"

    def __init__(self, hint: str = "") -> None:
        """`hint` tells the person who wrote the request what is probably wrong with it."""
        super().__init__()
        self.hint = hint


class UnsupportedEncoding(ApiError):
    """The body is compressed, or encoded in another way. It is not decoded: a little of it could become very much."""

    status = 415
    text = "Content-Encoding is not supported: send the body as it is"
    code = "unsupported_encoding"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Accept-Encoding": "identity"}


class InvalidMessage(ApiError):
    """The body has no message."""

    status = 400
    text = "Field 'message' is required and cannot be empty"


class PartialBody(ApiError):
    """The body is a part of what the client means to put (RFC 9110, section 14.5), and would pass for all of it."""

    status = 400
    text = "Content-Range is not supported: send the body as a whole"
    code = "partial_body"


class PreconditionFailed(ApiError):
    """The client names the version that it means (RFC 9110, section 13.1.1). Nothing here has versions with names."""

    status = 412
    text = "Precondition failed: nothing here has an entity tag"
    code = "precondition_failed"


class InvalidText(ApiError):
    """The body is to be the message itself, and is none."""

    status = 400
    text = "The body must be text in UTF-8, and not blank"
    code = "invalid_text"


class InvalidField(ApiError):
    """A field has a value that is not allowed."""

    status = 400
    code = "invalid_field"

    def __init__(self, name: str, requirement: str) -> None:
        super().__init__()
        self.text = f"Field '{name}' {requirement}"


class UnknownField(ApiError):
    """A request for a sealed message has a field that the service does not know, and so would not honour."""

    status = 400
    code = "unknown_field"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.text = f"Unknown field '{name[:50]}'"


class InvalidIdempotencyKey(ApiError):
    """The header that makes a read repeatable does not hold a key."""

    status = 400
    text = "Header 'Idempotency-Key' must be 1 to 255 visible ASCII characters"
    code = "invalid_idempotency_key"


class AuthorizationRequired(ApiError):
    """The request for a sealed message has no proof. The client is not told whether there is a message."""

    status = 401
    text = "Authorization required"
    code = "authorization_required"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class TokenRequired(AuthorizationRequired):
    """Only those who have one of the operator's tokens may create messages, and the request has none of them."""

    text = "Creating a message needs a token of this service"
    code = "token_required"


class _PassphraseRefused(ApiError):
    """The link's proof is right; the passphrase's proof is wrong or missing."""

    def __init__(self, tries_left: int) -> None:
        super().__init__()
        self.tries_left = tries_left

    @property
    def body(self) -> Mapping[str, object]:
        return {**super().body, "tries_left": self.tries_left}


class PassphraseRequired(_PassphraseRefused, AuthorizationRequired):
    """The message has a passphrase, and the request has no proof of it."""

    text = "Passphrase required"
    code = "passphrase_required"


class WrongPassphrase(_PassphraseRefused):
    """The message has another passphrase."""

    status = 403
    text = "Wrong passphrase"
    code = "wrong_passphrase"


class UnexpectedPassphrase(ApiError):
    """The message has no passphrase. The reader's key would not open it, so handing it out would lose it."""

    status = 403
    text = "Message has no passphrase"
    code = "unexpected_passphrase"


class FilesOff(ApiError):
    """The operator has no place for files, or wants none."""

    status = 403
    text = "Files are switched off here"
    code = "files_off"


class PartNotFound(ApiError):
    """Unknown, expired, deleted, or not for this caller."""

    status = 404
    text = "Part not found"
    code = "part_not_found"


class TooManyFetches(ApiError):
    """The part was fetched more often than any reader needs."""

    status = 403
    text = "The part was fetched too often"
    code = "too_many_fetches"


class LengthRequired(ApiError):
    """The upload of a part does not say how long it is."""

    status = 411
    text = "Content-Length required"
    code = "length_required"


class PartTooLarge(ApiError):
    """The part is larger than the largest one of the protocol."""

    status = 413
    text = "Part exceeds maximum size of 4 MiB and 29 bytes"
    code = "part_too_large"


class InvalidTtlHeader(InvalidField):
    """The header that says how long the body is to be kept is out of its bounds, or is missing where it must be."""

    def __init__(self, low: int, high: int) -> None:
        """The bounds are in seconds."""
        super().__init__("TTL", "")
        self.text = f"Header 'TTL' must be a whole number of seconds from {low} to {high}"


class IdTaken(ApiError):
    """Another message lives, or lived, under the id that the client chose."""

    status = 409
    text = "ID is already in use"
    code = "id_taken"


class NotAnswered(ApiError):
    """The asker asks for the answer, and there is none yet."""

    status = 409
    text = "The question is not answered yet"
    code = "not_answered"


class AlreadyAnswered(ApiError):
    """Another answer has come first. It may have been read since."""

    status = 409
    text = "The question is already answered"
    code = "already_answered"


class MessageTooLarge(ApiError):
    """The message is over its limit, or the body is larger than any valid request needs."""

    status = 413
    text = "Message exceeds maximum size of 100KB"


class MessageNotFound(ApiError):
    """Unknown, expired or already read: the client cannot tell one from another."""

    status = 404
    text = "Message not found"


class RouteNotFound(ApiError):
    """The path fits no route."""

    status = 404
    text = "Not found"


class MethodNotAllowed(ApiError):
    """The path fits a route that does not have the method."""

    status = 405
    text = "Method not allowed"

    def __init__(self, allowed: tuple[str, ...], hint: str = "") -> None:
        """`hint` tells the person who wrote the request which other one was probably meant."""
        super().__init__()
        self.allowed = allowed
        self.hint = hint

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class PrefetchRefused(ApiError):
    """A browser prefetches the message: no person has asked for it yet."""

    status = 403
    text = "Prefetching is refused"
    code = "prefetch_refused"


class EmbedRefused(ApiError):
    """Another page loads the message as a part of itself. The page's visitor has not asked for it."""

    status = 403
    text = "Embedding is refused"
    code = "embed_refused"


class RangeRefused(ApiError):
    """The request asks for a part of the message. A message is read once, so nobody would get the other parts."""

    status = 403
    text = "Range requests are refused: a message is read as a whole"
    code = "range_refused"


class RobotRefused(ApiError):
    """A robot fetches the link, for a preview or a check. Handing out the message would destroy it."""

    status = 403
    text = "Link previews are refused"
    code = "robot_refused"
    hint = "A program that a person wrote can read: send the header Idempotency-Key with a random value."


class CrossSiteRefused(ApiError):
    """The form that reveals a message was sent by another site, not by this service's own page."""

    status = 403
    text = "Cross-site request refused"
    code = "cross_site_refused"

    def __init__(self, hint: str = "") -> None:
        """`hint` tells the operator what may be wrong with a proxy."""
        super().__init__()
        self.hint = hint


class FormTokenRefused(ApiError):
    """The form that reveals a message lacks its page's cookie, and the browser does not say which site has sent it."""

    status = 403
    text = "The form's token is not in the cookie"
    code = "form_token_refused"


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


class UploadBudgetExhausted(RateLimited):
    """The client has uploaded as much in an hour as the operator allows."""

    text = "Upload budget exhausted"
    code = "upload_budget"

    def __init__(self, wait: float) -> None:
        """`wait` is in seconds: until the budget suffices for this upload."""
        super().__init__(math.ceil(wait))


class ServiceUnavailable(ApiError):
    """The store did not apply the command, and changed nothing."""

    status = 503
    text = "Storage unavailable"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(STORAGE_RETRY_AFTER)}


class TooManyConnections(ApiError):
    """The server has as many connections as the operator allows."""

    status = 503
    text = "Too many connections"
    code = "too_many_connections"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(CONNECTION_RETRY_AFTER)}


class NoUniqueId(ApiError):
    """Every id that was tried is in use: ids are too short for the number of messages."""

    status = 500
    text = "Could not generate a unique ID"


def error_response(error: Exception) -> Response:
    """Tell the client what went wrong, and the log what the operator or the developers have to mend."""
    return api_error_response(api_error(error))


def api_error_response(error: ApiError) -> Response:
    """The same without a line in the log."""
    return json_response(error.status, error.body, {**COMMON_HEADERS, **error.headers})


def api_error(error: Exception) -> ApiError:
    """Give the error that the client gets for any exception, and tell the log if it is ours."""
    if isinstance(error, StorageUnavailable):
        logger.warning("%s: %s", type(error).__name__, error)
        return ServiceUnavailable()
    if isinstance(error, NoMissLeft):
        return RateLimited(math.ceil(error.wait))
    if isinstance(error, SettingsError):
        logger.error("%s", error)
        return ApiError()
    if not isinstance(error, ApiError):
        # Only the place: the text of an unforeseen exception may quote a message or an id.
        logger.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        return ApiError()
    if error.status >= 500:  # noqa: PLR2004
        logger.warning("%s: %s", type(error).__name__, error)
    return error
