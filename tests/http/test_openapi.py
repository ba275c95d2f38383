"""`/-/openapi.json`: the description fits the service."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from crypt_core.http.openapi import openapi
from crypt_core.settings import Settings
from tests.support.platforms import Platform


def test_the_description_is_valid_and_the_same_on_both_platforms(client: httpx.Client) -> None:
    document = client.get("/-/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document == openapi(Settings())


@pytest.mark.parametrize("examples", [8, pytest.param(500, marks=pytest.mark.long)])
def test_schemathesis_finds_nothing(unlimited_platform: Platform, tmp_path: Path, examples: int) -> None:
    """Schemathesis makes valid and invalid requests from the description, and compares each response with it."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{unlimited_platform.url}/-/openapi.json",
        "--checks=all",
        f"--max-examples={examples}",
        "--seed=1",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        "--request-timeout=30",
        "--workers=1",
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1_800, check=False)  # noqa: S603
    assert result.returncode == 0, result.stdout[-8_000:]
    [cases] = re.findall(r"(\d+) generated", result.stdout) or ["0"]
    assert int(cases) > 8 * examples
