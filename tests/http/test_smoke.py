"""`script/smoke`, which checks a deployed service."""

import subprocess

from tests.support.platforms import ROOT, Platform


def smoke(url: str) -> tuple[int, str]:
    result = subprocess.run(  # noqa: S603
        [ROOT / "script/smoke", url], capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, result.stdout + result.stderr


def test_it_passes_on_a_service_that_works(platform: Platform) -> None:
    code, output = smoke(platform.url)
    assert (code, output.splitlines()[-1]) == (0, "ok    rate limit"), output
    assert len(output.splitlines()) == 8


def test_it_fails_on_what_is_no_service(platform: Platform) -> None:
    assert smoke(platform.url + "/a/b") == (1, "FAILED  health: status 404 in place of 200, or another body\n")
    code, output = smoke("http://127.0.0.1:1/")
    assert code == 1
    assert output.startswith("FAILED  ")
    assert smoke("example.org")[0] == 2
