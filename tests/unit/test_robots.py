"""Requests that no person meant. `tests/http/test_reveal.py` has the User-Agents of real robots."""

import pytest

from crypt_core.errors import PrefetchRefused, RobotRefused
from crypt_core.http.robots import ROBOTS, refuse_robots


@pytest.mark.parametrize("name", ROBOTS)
def test_a_robot_is_refused_however_its_name_is_written(name: str) -> None:
    for agent in (name, name.upper(), f"Mozilla/5.0 (compatible; {name}/1.0)"):
        with pytest.raises(RobotRefused):
            refuse_robots({"user-agent": agent})


@pytest.mark.parametrize("headers", [{}, {"user-agent": "curl/8.5.0"}, {"sec-purpose": ""}, {"purpose": "navigation"}])
def test_a_program_of_a_person_is_not_refused(headers: dict[str, str]) -> None:
    refuse_robots(headers)


@pytest.mark.parametrize("name", ["sec-purpose", "purpose"])
@pytest.mark.parametrize("value", ["prefetch", "Prefetch", "prefetch;prerender", "preview, prefetch"])
def test_a_prefetch_is_refused(name: str, value: str) -> None:
    with pytest.raises(PrefetchRefused):
        refuse_robots({name: value})
