"""Under which name a received file is saved: the cases that the web page has, too."""

import json
from typing import Any

import pytest

from crypt_api.cli.file_names import safe_file_name
from tests.support.platforms import ROOT

CASES = json.loads((ROOT / "vectors/file-names.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["name"]))
def test_a_file_is_saved_under_a_harmless_name(case: dict[str, Any]) -> None:
    assert safe_file_name(case["name"]) == case["saved"]
    assert safe_file_name(case["saved"]) == case["saved"]  # such a name passes through unchanged


def test_the_vectors_are_ascii() -> None:
    """Editors would show some of these names in another order."""
    assert (ROOT / "vectors/file-names.json").read_text("utf-8").isascii()
