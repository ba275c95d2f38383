"""Sending a request again: when, after which pause, and what is known after the last attempt.

Every request of the protocol may be sent again without harm. There is one exception: a plain message whose answer
was lost may be stored twice, the first time under an id that nobody knows, until it expires.
"""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

import httpx

from crypt_api.client.connections import PROXY_VARIABLE
from crypt_api.client.errors import AnswerLost, Unavailable, UntrustedCertificate
from crypt_api.client.limits import NotThisService
from crypt_api.client.steps import Ask, Conversation, Pause
from crypt_core.http.errors import UploadBudgetExhausted

MAX_PAUSE = 10.0
"""Seconds between two attempts, however many the service asks for."""

PROXY_FAILED = frozenset({502, 504, 520, 522, 524})
"""The statuses by which a proxy says that it lost the service's answer. The service may have got the request.

The last three are Cloudflare's.
"""

REPEATED = PROXY_FAILED | {408, 429, 503}
"""The statuses after which the request is sent again."""

_NEVER_SENT = (
    httpx.ConnectError,  # also a name that cannot be found, and a certificate that is not trusted
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is sent again.

    Attributes:
        pauses: Seconds before each further attempt, unless the service asks for more.
        pauses_after_loss: Seconds before still more attempts, if the service may have got the request.
        max_losses: Attempts that may be lost on the way, by a reset or by silence; None is no limit of its own.
        turns: How often the client waits besides, because the service takes only so many requests a second.
    """

    pauses: tuple[float, ...] = (0.25, 0.5, 1.0)
    pauses_after_loss: tuple[float, ...] = ()
    max_losses: int | None = None
    turns: int = 0


USUAL = RetryPolicy()

PATIENT = RetryPolicy(pauses_after_loss=(2.0, 4.0, 8.0, 8.0))
"""For a read: the service leases the message for a minute, and only to a request with the same idempotency key."""

_TURNS = 100

PATIENT_IN_TURN = RetryPolicy((0.5, 1.0, 2.0, 4.0, 8.0, 8.0), turns=_TURNS)
"""For a part of files: there may be many, so they meet the rate limit, and lines that break for a while."""

FIRST_TRY = replace(PATIENT_IN_TURN, max_losses=3)
"""For a large part, while smaller ones can be tried instead."""

BRIEF = RetryPolicy((0.25,), turns=_TURNS)
"""For what need not succeed."""


@dataclass(frozen=True)
class LastResponse:
    """The response to the last attempt, and what the client knows besides.

    Attributes:
        response: The response.
        attempts: How often the request was sent.
        may_have_arrived: Whether the service may have carried out an attempt whose answer was lost.
    """

    response: httpx.Response
    attempts: int
    may_have_arrived: bool


def ask(request: httpx.Request, policy: RetryPolicy = USUAL) -> Conversation[LastResponse]:
    """Send the request, and send it again as the policy says.

    Raises:
        Unavailable: There was no response to the last attempt; `AnswerLost` if the service may have got the request.
    """
    attempts, losses, turns, may_have_arrived = 0, 0, policy.turns, False
    while True:
        outcome: httpx.Response | httpx.RequestError = yield Ask(request)
        if turns and isinstance(outcome, httpx.Response) and _is_too_early(outcome):
            turns -= 1
            yield Pause(min(retry_after(outcome), MAX_PAUSE))
            continue
        attempts += 1
        losses += _is_lost(outcome)
        may_have_arrived = may_have_arrived or _is_answer_lost(outcome)
        pauses = policy.pauses + (policy.pauses_after_loss if may_have_arrived else ())
        is_last = attempts > len(pauses) or losses == policy.max_losses or not _is_worth_another_attempt(outcome)
        if isinstance(outcome, httpx.Response):
            if is_last:
                return LastResponse(outcome, attempts, may_have_arrived)
            asked_for = retry_after(outcome)
        else:
            if is_last:
                raise _without_response(outcome, request, may_have_arrived=may_have_arrived)
            asked_for = 0.0
        yield Pause(min(max(asked_for, pauses[attempts - 1]), MAX_PAUSE))


def wait_for_turn(last: LastResponse) -> Conversation[None]:
    """Wait if the service has said that it takes no further request in this second.

    A large body is sent in vain if the service refuses it, and a connection that is closed then looks like a loss.
    """
    match = re.fullmatch(r'"\w+";r=0;t=(\d{1,3})', last.response.headers.get("ratelimit", ""))
    if match:
        yield Pause(min(float(match[1]), MAX_PAUSE))


def retry_after(response: httpx.Response) -> float:
    """Give the seconds that the service asks to wait; 1 if it names no number."""
    text = response.headers.get("retry-after", "")
    return float(text[:9]) if text.isdecimal() else 1.0


def _is_too_early(response: httpx.Response) -> bool:
    """Whether the client only has to wait for its turn; bytes that are too many for an hour are no matter of a turn."""
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS and not _is_budget_exhausted(response)


def _is_budget_exhausted(response: httpx.Response) -> bool:
    with suppress(ValueError, RecursionError):
        fields = response.json()
        return isinstance(fields, dict) and fields.get("code") == UploadBudgetExhausted.code
    return False


def _is_lost(outcome: httpx.Response | httpx.RequestError) -> bool:
    """Whether the line was too slow, or broke."""
    is_slow = isinstance(outcome, httpx.Response) and outcome.status_code == HTTPStatus.REQUEST_TIMEOUT
    return is_slow or _is_answer_lost(outcome)


def _is_answer_lost(outcome: httpx.Response | httpx.RequestError) -> bool:
    """Whether the service may have carried out the request without its own answer reaching the client."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in PROXY_FAILED
    return not isinstance(outcome, _NEVER_SENT)


def _is_worth_another_attempt(outcome: httpx.Response | httpx.RequestError) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in REPEATED and not _is_budget_exhausted(outcome)
    return not isinstance(outcome, NotThisService) and _distrust(outcome) is None


def _without_response(outcome: httpx.RequestError, request: httpx.Request, *, may_have_arrived: bool) -> Unavailable:
    """Give the error for a request whose last attempt had no response."""
    host = request.url.netloc.decode()
    kind = AnswerLost if may_have_arrived else Unavailable
    if isinstance(outcome, NotThisService):
        return kind(f"{host} is not this service: {outcome}.")
    if distrust := _distrust(outcome):
        kind = AnswerLost if may_have_arrived else UntrustedCertificate
        return kind(f"{host} has a certificate that is not trusted here ({distrust.verify_message}).")
    variable = request.extensions.get(PROXY_VARIABLE)
    proxy = f" {variable} names the proxy on the way." if variable else ""
    return kind(f"{host} cannot be reached ({type(outcome).__name__}).{proxy}")


def _distrust(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Find the certificate's fault among the causes of an error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
