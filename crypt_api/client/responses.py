"""What a response means to the client: the fields of a success, or an error from `errors.py`.

The service's own errors of part two of the protocol have a `code`, one stable word each, and are told apart by it.
The errors of part one have no code, and are told apart by the status. Texts are for people and are never compared.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from crypt_api.client import errors
from crypt_api.client.retries import LastResponse, retry_after
from crypt_core.encoding import whole_number
from crypt_core.http import errors as service_errors
from crypt_core.record import MAX_PASSPHRASE_TRIES

T = TypeVar("T")

MAX_TEXT = 1_000
"""Characters of an error's text: it is shown to people."""


def parse(last: LastResponse, parse_fields: Callable[[dict[str, Any]], T]) -> T:
    """Give what `parse_fields` makes of the JSON fields of a success.

    Raises:
        CryptApiError: The response is not a success, or does not come from this service.
    """
    response = last.response
    try:
        fields = response.json() if response.content else {}
        if response.is_success:
            return parse_fields(fields)
        text, code = str(fields["error"])[:MAX_TEXT], str(fields.get("code", ""))
        # Only by 503 does the service say that nothing happened.
        is_known = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and not last.may_have_arrived
        unavailable = errors.Unavailable if is_known else errors.AnswerLost
        error = unavailable(text) if response.is_server_error else _refusal(last, text, code, fields)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        problem = "is not available now" if response.is_server_error else "is not this service"
        # It may be the service's own success that was damaged on its way, or a proxy that lost the answer.
        is_unknown = last.may_have_arrived or response.is_success or response.is_server_error
        kind = errors.AnswerLost if is_unknown else errors.Unavailable
        raise kind(f"The server there ({response.status_code}) {problem}.") from None
    raise error


def _refusal(last: LastResponse, text: str, code: str, fields: dict[str, Any]) -> errors.CryptApiError:
    """Give the error for a status of 300 to 499."""
    response = last.response
    if code in _BY_CODE:
        return _BY_CODE[code](response, fields)
    match response.status_code:
        case HTTPStatus.NOT_FOUND:
            return errors.NotFound("There is no such message.")
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return errors.ContentTooLarge(text)
        case HTTPStatus.TOO_MANY_REQUESTS if last.may_have_arrived:
            # A caller who waits may find that the first request was carried out, and blame somebody else.
            return errors.AnswerLost(text)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return errors.RateLimited(retry_after(response))
        case _:
            return errors.Refused(text, code)


_BY_CODE: dict[str, Callable[[httpx.Response, dict[str, Any]], errors.CryptApiError]] = {
    service_errors.PassphraseRequired.code: lambda _, fields: errors.PassphraseRequired(_tries_left(fields)),
    service_errors.WrongPassphrase.code: lambda _, fields: errors.WrongPassphrase(_tries_left(fields)),
    service_errors.UnexpectedPassphrase.code: lambda *_: errors.UnexpectedPassphrase(
        "The message has no passphrase. Nothing was read."
    ),
    service_errors.NotAnswered.code: lambda *_: errors.NotAnswered(
        "The question is not answered yet. Nothing was read.", service_errors.NotAnswered.code
    ),
    service_errors.AlreadyAnswered.code: lambda *_: errors.AlreadyAnswered(
        "The question was answered before; the first answer counts.", service_errors.AlreadyAnswered.code
    ),
    service_errors.TokenRequired.code: lambda *_: errors.TokenRequired(
        "Sending a message needs a token of this service.", service_errors.TokenRequired.code
    ),
    service_errors.PartNotFound.code: lambda *_: errors.PartMissing(
        "A part of the files is missing: it has expired, or somebody has deleted it."
    ),
    service_errors.FilesOff.code: lambda *_: errors.FilesOff(
        "This service takes no files beyond 100 KB.", service_errors.FilesOff.code
    ),
    service_errors.UploadBudgetExhausted.code: lambda response, _: errors.UploadBudgetExhausted(retry_after(response)),
}
"""The errors that have a class of their own."""


def _tries_left(fields: dict[str, Any]) -> int:
    """Raises KeyError or ValueError for what is no such number."""
    tries = whole_number(fields["tries_left"])
    if tries is None or not 0 <= tries <= MAX_PASSPHRASE_TRIES:
        raise ValueError
    return tries
