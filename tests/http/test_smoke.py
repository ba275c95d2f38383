"""`script/smoke`, which checks a deployed service."""

import subprocess

import pytest

from tests.support import raw_services
from tests.support.platforms import ROOT, Platform
from tools import smoke as smoke_script


def smoke(url: str) -> tuple[int, str]:
    result = subprocess.run(  # noqa: S603
        [ROOT / "script/smoke", url], capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, result.stdout + result.stderr


def test_it_passes_on_a_service_that_works(platform: Platform) -> None:
    code, output = smoke(platform.url)
    assert (code, output.splitlines()[-1]) == (0, "ok    rate limit"), output
    assert len(output.splitlines()) == 9


def test_it_fails_on_what_is_no_service(platform: Platform) -> None:
    assert smoke(platform.url + "/a/b") == (1, "FAILED  health: status 404 in place of 200, or another body\n")
    code, output = smoke("http://127.0.0.1:1/")
    assert code == 1
    assert output.startswith("FAILED  ")
    assert smoke("example.org")[0] == 2


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (raw_services.large, "an answer has more than 1,048,576 bytes"),
        (raw_services.endless, "an answer takes more than 1 seconds"),
        (raw_services.endless_head, "an answer takes more than 1 seconds"),
    ],
)
def test_it_gives_up_an_answer_without_end(
    answer: raw_services.Misbehaviour, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke_script, "TIMEOUT", 0.6)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # no proxy leads to this machine
    with raw_services.raw_service(answer) as url:
        assert smoke_script.main([url]) == 1
    assert capsys.readouterr().err == f"FAILED  {problem}\n"
