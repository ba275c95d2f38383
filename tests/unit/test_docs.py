"""Docs that can fail: what they name must be there, and what is there must be named."""

import re

from bench import report
from bench.load import Result
from crypt_core.http import errors
from crypt_core.http.page_texts import LANGUAGES
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
    varied = {
        errors.InvalidField: "Field 'ttl' must be",
        errors.UnknownField: "Unknown field '",
        errors.InvalidTtlHeader: "Header 'TTL' must be",
    }
    for kind in kinds:
        assert re.search(rf"\| {kind.status} \|.*{re.escape(varied.get(kind, kind.text))}", pages), kind


def test_the_pages_about_speed_have_what_was_recorded() -> None:
    """`python -m bench.report` writes it."""
    for page, text in report.pages(report.recorded()).items():
        assert page.read_text() == text


def test_another_record_changes_the_pages_about_speed() -> None:
    recorded = report.recorded()
    ours = {name for name, *_ in recorded.rows if name.startswith("crypt-api")}
    peer = recorded.row("FastAPI + Redis by hand", "create", 32)
    lead = peer.cpu / recorded.row(report.OURS, "create", 32).cpu
    rows = [row._replace(cpu=row.cpu * lead) if row.service in ours else row for row in recorded.rows]
    races = {name: {1: 9, 2: 1} for name in report.COMPARED}
    other = report.pages(report.Recorded("Python 9", rows, races, readers=4))
    assert "\nThe server ran on Python 9.\n" in other[report.PERFORMANCE]
    assert "| 10 messages, 4 readers of each at once | 9 had one reader, 1 had two |" in other[report.COMPARISON]
    assert f"FastAPI + Redis by hand: {peer.per_core:,.0f}; crypt-api serves 1.0x and" in other[ROOT / "README.md"]
    assert len(report.worse(rows)) == sum(name in ours for name, *_ in rows)
    assert report.worse(recorded.rows) == []


def test_the_table_of_speed_names_the_cpu_first() -> None:
    results = [Result(rate, cpu, 1.0, 2.0, 3.0) for rate, cpu in ((9_000, 80.0), (8_000, 100.0), (9_500, 90.0))]
    base = report.Row.of(report.BASE, "constant", 32, [Result(20_000, 30.0, 1, 1, 1)])
    row = report.Row.of(report.OURS, "create", 32, results)
    last = report.table([base, row]).splitlines()[-1]
    assert last == "| crypt-api, SQLite | create | 32 | 90 (80 to 100) | 3.0 times | 9,000 | 1.0 | 2.0 | 3 |"


def test_the_promises_have_one_numbering() -> None:
    security, reliability = (ROOT / "SECURITY.md").read_text(), (ROOT / "docs/reliability.md").read_text()
    promised = re.findall(r"^(\d)\. \*\*(.+)\.\*\*$", security, re.MULTILINE)
    assert [number for number, _ in promised] == list("1234567")
    assert re.findall(r"^\| (\d)\. (.+?) \|", reliability, re.MULTILINE) == promised


def test_the_pages_know_how_many_languages_there_are() -> None:
    for page in ("README.md", "CHANGELOG.md"):
        assert re.findall(r"(\w+) languages", (ROOT / page).read_text()) == [{11: "eleven"}[len(LANGUAGES)]], page
