"""Docs that can fail: what they name must be there, and what is there must be named."""

import re

from bench import report
from crypt_core.http import errors
from crypt_core.http.texts import LANGUAGES
from tests.support.platforms import ROOT

README = (ROOT / "README.md").read_text()


def test_every_error_is_documented() -> None:
    kinds = [
        kind
        for name, kind in vars(errors).items()
        if name[0] != "_" and isinstance(kind, type) and issubclass(kind, errors.ApiError)
    ]
    assert len(kinds) > 15
    pages = README + (ROOT / "docs/protocol.md").read_text()
    varied = {errors.InvalidField: "Field 'ttl' must be", errors.UnknownField: "Unknown field '"}
    for kind in kinds:
        assert re.search(rf"\| {kind.status} \|.*{re.escape(varied.get(kind, kind.text))}", pages), kind


def test_the_pages_about_speed_have_what_was_recorded() -> None:
    """`python -m bench.report` writes it."""
    for page, text in report.pages(report.recorded()).items():
        assert page.read_text() == text


def test_another_record_changes_the_pages_about_speed() -> None:
    recorded = report.recorded()
    rows = [row._replace(ratio=row.ratio / 2) for row in recorded.rows]
    other = report.pages(report.Recorded(rows, {name: {1: 9, 2: 1} for name in report.COMPARED}, readers=4))
    assert "| 0.10 (0.19 to 0.19) |" in other[report.PERFORMANCE]
    assert "| 10 messages, 4 readers of each at once | 9 had one reader, 1 had two |" in other[report.COMPARISON]
    assert len(report.worse(rows)) == len(rows)
    assert report.worse(recorded.rows) == []


def test_the_promises_have_one_numbering() -> None:
    security, reliability = (ROOT / "SECURITY.md").read_text(), (ROOT / "docs/reliability.md").read_text()
    promised = re.findall(r"^(\d)\. \*\*(.+)\.\*\*$", security, re.MULTILINE)
    assert [number for number, _ in promised] == list("1234567")
    assert re.findall(r"^\| (\d)\. (.+?) \|", reliability, re.MULTILINE) == promised


def test_the_pages_know_how_many_languages_there_are() -> None:
    for page in ("README.md", "CHANGELOG.md"):
        assert re.findall(r"(\w+) languages", (ROOT / page).read_text()) == [{11: "eleven"}[len(LANGUAGES)]], page
