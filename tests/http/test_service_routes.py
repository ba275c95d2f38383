"""Health, readiness, and the rate limit's headers."""

import httpx

from tests.support.platforms import Platform
from tests.support.rate import within_a_second


def test_it_says_that_it_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/-/health").json() == {"status": "ok"}
    assert client.get("/-/ready").json()["status"] == "ready"
    assert client.head("/-/ready").status_code == 200
    assert client.post("/-/ready").status_code == 405
    assert client.get("/-/nothing").status_code == 404


def test_none_of_it_is_rate_limited(platform: Platform) -> None:
    with platform.client("198.51.100.20") as client:
        for path in ("/-/health", "/-/ready", "/-/openapi.json", "/-/main.js", "/-/page.css", "/"):
            answers = [client.get(path) for _ in range(5)]
            assert {answer.status_code for answer in answers} == {200}
            assert "ratelimit" not in answers[0].headers


def test_the_limit_is_told_with_every_counted_answer(platform: Platform) -> None:
    with platform.client("198.51.100.21") as client:
        answers = within_a_second(lambda: [client.get("/zzzzzz") for _ in range(4)])
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"default";q=3;w=1'] * 4
    assert [answer.headers["ratelimit"] for answer in answers] == [f'"default";r={r};t=1' for r in (2, 1, 0, 0)]
    assert answers[3].status_code == 429
    assert answers[3].headers["retry-after"] == "1"
