"""The names under which the page saves files."""

import json

from tests.support.chromium import Tabs
from tests.support.platforms import ROOT

NAMES = json.loads((ROOT / "vectors/file-names.json").read_text())
CLOCKED = "const start = performance.now(); m.{function}(text); return performance.now() - start;"
SAFE_NAMES = "async (all) => { const m = await import('/-/files.js'); return all.map(m.safeFileName); }"


def test_a_file_is_saved_under_a_name_that_harms_nobody(server_tabs: Tabs) -> None:
    expected = dict(NAMES["names"])
    for case in NAMES["long"]:
        name = case["character"] * case["count"] + case["end"]
        expected[name] = case["character"] * case["saved_count"] + case["end"]
    saved = server_tabs.open().evaluate(SAFE_NAMES, list(expected))
    assert dict(zip(expected, saved, strict=True)) == expected
    assert all(len(name.encode()) <= 255 for name in saved)


def test_a_name_with_half_of_a_character_can_be_saved(server_tabs: Tabs) -> None:
    page = server_tabs.open()
    assert page.evaluate("import('/-/files.js').then((m) => m.safeFileName('a\\ud83d.txt'))") == "a_.txt"


def test_what_a_sender_writes_cannot_keep_the_tab_busy(server_tabs: Tabs) -> None:
    """A name in a list of files, or what looks like an address, may be as long as a message."""
    page = server_tabs.open()
    for module, function, text in (
        ("files", "safeFileName", "." * 100_000 + "a"),
        ("files", "safeFileName", "a" * 100_000),
        ("web-addresses", "withLinks", "https://a" + "." * 100_000 + "a"),
    ):
        call = f"async (text) => {{ const m = await import('/-/{module}.js'); {CLOCKED.format(function=function)} }}"
        assert page.evaluate(call, text) < 1_000
