"""Who reads and who does not, by what a request says of itself."""

import re

import pytest

from crypt_core.http.errors import ApiError, EmbedRefused, PrefetchRefused, RangeRefused, RobotRefused
from crypt_core.http.robots import FORMS, MARKS, NO_ROBOTS, refuse_unmeant
from crypt_core.http.robots import ROBOTS as KNOWN
from tests.support import user_agents


def refusal(headers: dict[str, str]) -> type[ApiError] | None:
    try:
        refuse_unmeant(headers)
    except ApiError as error:
        return type(error)
    return None


@pytest.mark.parametrize("agent", user_agents.ROBOTS)
def test_a_robot_is_refused(agent: str) -> None:
    assert refusal({"user-agent": agent}) is RobotRefused


@pytest.mark.parametrize("agent", user_agents.READERS)
def test_a_program_or_a_browser_is_not(agent: str) -> None:
    assert refusal({"user-agent": agent, "accept": "*/*"}) is None


def test_the_tables_are_large_enough_to_mean_something() -> None:
    assert len(user_agents.ROBOTS) >= 60
    assert len(user_agents.READERS) >= 30
    assert all(source for table in (user_agents.ROBOTS, user_agents.READERS) for source in table.values())


def found_by(signs: list[str], agent: str) -> list[str]:
    return [sign for sign in signs if re.search(sign, agent)]


@pytest.mark.parametrize("mark", MARKS)
def test_each_mark_is_in_a_robots_name_and_no_other_part_finds_it(mark: str) -> None:
    signs = [re.escape(part.lower()) for part in (*MARKS, *KNOWN)]
    assert [agent for agent in user_agents.ROBOTS if found_by(signs, agent.lower()) == [re.escape(mark)]]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_that_of_a_robot_which_no_other_part_finds(form: str) -> None:
    signs = [re.escape(part.lower()) for part in (*MARKS, *KNOWN)] + list(FORMS)
    assert [agent for agent in user_agents.ROBOTS if found_by(signs, agent.lower()) == [form]]


@pytest.mark.parametrize("name", KNOWN)
def test_no_name_is_listed_that_its_marks_give_away(name: str) -> None:
    assert not any(mark in name.lower() for mark in MARKS)
    assert refusal({"user-agent": f"x {name.upper()} y"}) is RobotRefused


@pytest.mark.parametrize("part", NO_ROBOTS)
def test_each_exception_has_a_reader_that_needs_it(part: str) -> None:
    assert [agent for agent in user_agents.READERS if re.search(part, agent.lower())]


def test_a_robot_that_runs_on_such_a_phone_or_library_is_refused_all_the_same() -> None:
    assert refusal({"user-agent": "cubot Googlebot/2.1"}) is RobotRefused
    assert refusal({"user-agent": "bot (+https://github.com/somebody/bot)"}) is RobotRefused


@pytest.mark.parametrize("agent", user_agents.ROBOTS)
def test_a_program_that_is_taken_for_a_robot_reads_with_the_header_that_the_refusal_names(agent: str) -> None:
    with pytest.raises(RobotRefused) as refused:
        refuse_unmeant({"user-agent": agent})
    assert "Idempotency-Key" in str(refused.value.body["hint"])
    assert refusal({"user-agent": agent, "idempotency-key": "random"}) is None


def test_a_long_user_agent_is_not_looked_at_to_its_end() -> None:
    assert refusal({"user-agent": "x" * 100_000 + "bot"}) is None


@pytest.mark.parametrize("name", ["sec-purpose", "purpose", "x-purpose", "x-moz"])
@pytest.mark.parametrize("value", ["prefetch", "prefetch;prerender", "Prefetch", "preview", "preview, prefetch"])
def test_a_browser_that_prefetches_is_refused(name: str, value: str) -> None:
    assert refusal({name: value}) is PrefetchRefused


def test_another_purpose_hides_no_prefetch() -> None:
    assert refusal({"sec-purpose": "something new", "purpose": "prefetch"}) is PrefetchRefused


PARTS = [
    "audio", "audioworklet", "embed", "fencedframe", "font", "frame", "iframe", "image", "manifest", "object",
    "paintworklet", "report", "script", "serviceworker", "sharedworker", "style", "track", "video", "webidentity",
    "worker", "xslt",
]  # fmt: skip
"""The destinations of the Fetch standard that are parts of a page, or of a browser."""


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", ["cors", "navigate", "same-origin"])
def test_a_part_of_another_page_is_refused(part: str, mode: str) -> None:
    assert refusal({"sec-fetch-dest": part, "sec-fetch-mode": mode}) is EmbedRefused


@pytest.mark.parametrize("destination", ["empty", "image", ""])
def test_a_request_whose_response_nobody_may_look_at_is_refused(destination: str) -> None:
    assert refusal({"sec-fetch-mode": "no-cors", "sec-fetch-dest": destination}) is EmbedRefused


@pytest.mark.parametrize(
    "accept",
    [
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",  # Chrome
        "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",  # Safari
        "Image/WebP",
        "text/css,*/*;q=0.1",
        "video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5",  # Firefox
        "audio/webm,audio/ogg,audio/wav,audio/*;q=0.9,application/ogg;q=0.7,video/*;q=0.6,*/*;q=0.5",
        "application/font-woff2;q=1.0,application/font-woff;q=0.9,*/*;q=0.8",
    ],
)
def test_a_part_of_another_page_is_refused_where_browsers_send_no_fetch_metadata(accept: str) -> None:
    assert refusal({"accept": accept}) is EmbedRefused


@pytest.mark.parametrize("range_", ["bytes=0-", "bytes=0-99", "bytes=-1", ""])
def test_a_part_of_a_message_is_refused(range_: str) -> None:
    assert refusal({"range": range_}) is RangeRefused


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "*/*"},
        {"sec-purpose": ""},
        {"purpose": "navigation"},
        {"accept": "application/json"},
        {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site"},
        {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "cross-site"},
        {"sec-fetch-mode": "same-origin", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_deliberate_request_is_not(headers: dict[str, str]) -> None:
    assert refusal(headers) is None
