"""Under which name a received file is saved: the cases that the web page has, too."""

import json

import pytest

from crypt_api.client.file_names import safe_file_name
from tests.support.platforms import ROOT

VECTORS = json.loads((ROOT / "vectors/file-names.json").read_text("utf-8"))
CASES = [
    *map(tuple, VECTORS["names"]),
    *(
        (case["character"] * case["count"] + case["end"], case["character"] * case["saved_count"] + case["end"])
        for case in VECTORS["long"]
    ),
    ("a\ud83d.txt", "a_.txt"),  # JSON in UTF-8 cannot have it
]


@pytest.mark.parametrize(("name", "saved"), CASES, ids=ascii)
def test_a_file_is_saved_under_a_name_that_harms_nobody(name: str, saved: str) -> None:
    assert safe_file_name(name) == saved
    assert safe_file_name(saved) == saved
