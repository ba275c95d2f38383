"""The form of the pages: what they name is there, one sentence a line, one word for one thing."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from crypt_core.http import errors
from crypt_core.http.openapi import openapi
from crypt_core.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/*.md", "vectors/*.md", "tools/*/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
GLOSSARY = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (`[^|]+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
FOLDERS = ("src", "crypt_api", "tests", "models", "tools", "script", "docs", "vectors", "bench", "deploy", ".github")
FILES = [
    f"/{path.relative_to(ROOT)}"
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if "node_modules" not in path.parts
]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    """The text of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]
    return "\n".join(file.read_text(errors="replace") for file in files if "__pycache__" not in file.parts)


def check_places(places: str) -> None:
    """Check each "`name` in `path`", and each path alone."""
    for place in places.split(", "):
        match = re.fullmatch(r"(?:`([\w-]+)` in )?`([\w./-]+)`", place)
        assert match, place
        word, path = match.groups()
        assert (ROOT / path).exists(), path
        assert word is None or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text_of(ROOT / path)), place


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A path may leave out its first folders, as in `http/app.py`, but not a path to a folder."""
    for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+|script/\w+|[\w-]+\.(?:py|js|mjs))`", page.read_text()):
        assert any(file.endswith(f"/{path}") for file in FILES), path
    for path in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w/-]+)`", page.read_text()):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for path, anchor in re.findall(r"\]\((?!http)([\w./-]*)(?:#([\w-]+))?\)", page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("places", [places for _, _, places in GLOSSARY], ids=[term for term, _, _ in GLOSSARY])
def test_every_term_has_its_place_in_the_code(places: str) -> None:
    check_places(places)


def test_the_glossary_has_each_term_once() -> None:
    terms = [term for term, _, _ in GLOSSARY]
    assert len(terms) > 50
    assert len(set(terms)) == len(terms)
    rows = re.findall(r"^\| (?!term )", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert len(rows) == len(terms)  # no row has another form


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_every_decision_has_its_three_parts_and_its_place_in_the_code(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.name[:3]}: ")
    assert re.findall("^## (.+)$", text, re.MULTILINE) == ["Decision", "Why", "Cost"]
    assert all(part.strip() for part in text.split("## ")[1:])
    [places] = re.findall(r"^In the code: (.+)\.$", text, re.MULTILINE)
    check_places(places)


def test_the_index_names_every_decision() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    listed = re.findall(r"^- \[(\d{3})\]\((.+)\): (.+)$", index, re.MULTILINE)
    titles = [page.read_text().partition("\n")[0].partition(": ")[2] for page in DECISIONS]
    assert listed == [(page.name[:3], page.name, title) for page, title in zip(DECISIONS, titles, strict=True)]
    assert [number for number, _, _ in listed] == [f"{number:03}" for number in range(1, len(DECISIONS) + 1)]


def test_the_protocol_has_every_error_with_its_code_and_no_other_code() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ApiError) and kind.__name__[0] != "_"
    ]
    section = PROTOCOL.partition("\n## Every error\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (\d{3}) \| `(.+?)`.*? \| (?:`(\w+)`)? ?\| .*\|$", section, re.MULTILINE)
    rows = {(int(status), text, code) for status, text, code in found}
    assert {(status, code) for status, _, code in rows} == {(kind.status, kind.code) for kind in kinds}
    has_one_text = [kind for kind in kinds if kind is errors.ApiError or kind.text != errors.ApiError.text]
    assert {(kind.status, kind.text, kind.code) for kind in has_one_text} <= rows


def test_the_protocol_has_every_route() -> None:
    for path in [*openapi(Settings())["paths"], "/-/metrics"]:
        assert re.search(rf"`(?:GET|POST|PUT|DELETE) {re.escape(path)}`", PROTOCOL), path


def lines_of_prose(page: Path) -> Iterator[tuple[str, str]]:
    """Each line of a paragraph or a list, and the line after it; without headings, tables, code and pictures."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = ["" if re.match(r" {4}|\||#|<img", line) else line for line in text.split("\n")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.strip():
            yield line.strip(), following


SENTENCES_END = re.compile(r"[.?!:][)\"”*]*$")
SENTENCE_WITHIN = re.compile(r"[.?!][)\"”*]* +(?=[*_(\"“`\[]*[A-Z])")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_line_has_one_sentence(page: Path) -> None:
    for line, following in lines_of_prose(page):
        prose = re.sub(r"^(?:[-*]|\d+\.) +", "", re.sub(r"`[^`]*`", "`x`", line))
        assert not SENTENCE_WITHIN.search(prose), line
        is_last = not following.strip() or re.match(r" *(?:[-*]|\d+\.) ", following)
        assert is_last or SENTENCES_END.search(prose), f"the sentence goes on in the next line: {line}"


OTHER_WORDS = {
    r"homes?": "platform",
    r"nonces?": "idempotency key (nonce is the cipher's)",
    r"burn(?:s|ed|t|ing)?": "destroy",
    r"unfurlers?": "robot",
    r"whoever": "a noun",
    r"what is no": "a noun",
    r"(?:has|have) none": "no, with its noun",
    r"(?:of|and|by|to) those that": "the noun again",
    r"but for": "except",
    r"all the same": "still, or anyway",
    r"nothing but": "only",
    r"lets? go of": "destroy, or release",
}
MAY_SAY_NONCE = {"docs/glossary.md", "docs/protocol.md", "vectors/README.md"}  # they are about the cipher, too


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_one_word_stands_for_one_thing(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for word, better in OTHER_WORDS.items():
        if better.startswith("idempotency") and name(page) in MAY_SAY_NONCE:
            continue
        if word.startswith("unfurler") and name(page) == "docs/glossary.md":
            continue  # where the robot is explained
        assert re.findall(rf"(?i)\b{word}\b", prose) == [], f"say {better}"
