"""When the client sends a request again, which pauses it makes, and what it then knows. Without a network."""

import httpx
import pytest

from crypt_api.client.errors import AnswerLost, Unavailable
from crypt_api.client.retries import PATIENT, USUAL, LastResponse, RetryPolicy, ask
from crypt_api.client.steps import Ask, Pause

REQUEST = httpx.Request("GET", "https://example.org/k3x9q")
NOT_SENT, LOST = httpx.ConnectError("refused"), httpx.ReadError("reset")
BY_PROXY = httpx.Response(504)
BUSY, DONE, MISSING = httpx.Response(503, headers={"Retry-After": "3"}), httpx.Response(200), httpx.Response(404)
ENDLESS = httpx.Response(429, headers={"Retry-After": "86400"})

Outcome = httpx.Response | httpx.RequestError


def run(outcomes: list[Outcome], policy: RetryPolicy) -> tuple[LastResponse, list[float]]:
    """Give each attempt its outcome; the last outcome repeats. Returns the last response and the pauses before it."""
    conversation, result = ask(REQUEST, policy), None
    pauses: list[float] = []
    attempts = iter(outcomes)
    outcome = outcomes[-1]
    while True:
        try:
            step = conversation.send(result)
        except StopIteration as stop:
            return stop.value, pauses
        match step:
            case Ask(request):
                assert request is REQUEST
                result = outcome = next(attempts, outcome)
            case Pause(seconds):
                pauses.append(seconds)
                result = None
            case _:
                raise AssertionError


@pytest.mark.parametrize(
    ("outcomes", "policy", "attempts", "may_have_arrived", "pauses"),
    [
        ([DONE], USUAL, 1, False, []),
        ([MISSING], USUAL, 1, False, []),
        ([NOT_SENT, DONE], USUAL, 2, False, [0.25]),
        ([LOST, NOT_SENT, DONE], USUAL, 3, True, [0.25, 0.5]),
        ([BUSY, DONE], USUAL, 2, False, [3]),
        ([ENDLESS, DONE], USUAL, 2, False, [10]),
        ([BY_PROXY, MISSING], USUAL, 2, True, [1]),
        ([BUSY], USUAL, 4, False, [3, 3, 3]),
        ([BUSY], PATIENT, 4, False, [3, 3, 3]),
        ([LOST, BUSY], PATIENT, 8, True, [0.25, 3, 3, 3, 4, 8, 8]),
        ([BY_PROXY], PATIENT, 8, True, [1, 1, 1, 2, 4, 8, 8]),
    ],
)
def test_attempts(
    outcomes: list[Outcome],
    policy: RetryPolicy,
    attempts: int,
    may_have_arrived: bool,  # noqa: FBT001
    pauses: list[float],
) -> None:
    answer, made = run(outcomes, policy)
    assert answer.response is outcomes[-1]
    assert (answer.attempts, answer.may_have_arrived, made) == (attempts, may_have_arrived, pauses)


@pytest.mark.parametrize(
    ("outcomes", "error"), [([NOT_SENT], Unavailable), ([LOST], AnswerLost), ([LOST, NOT_SENT], AnswerLost)]
)
def test_without_a_response_the_error_says_whether_the_request_may_have_arrived(
    outcomes: list[Outcome], error: type[Unavailable]
) -> None:
    with pytest.raises(Unavailable, match=r"example\.org cannot be reached") as raised:
        run(outcomes, PATIENT)
    assert type(raised.value) is error


def test_patience_fits_into_the_minute_of_a_lease() -> None:
    assert sum(PATIENT.pauses + PATIENT.pauses_after_loss) < 30
