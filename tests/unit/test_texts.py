"""The texts of the pages: each language has all of them, each is used, and a browser gets the language it prefers."""

import re

import pytest

from crypt_core.http.page_texts import LANGUAGES, as_json, language_for, load_texts
from tests.support.platforms import ROOT

ENGLISH = load_texts("en")
VALUE = re.compile(r"{\w+}")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_every_text(code: str) -> None:
    texts = load_texts(code)
    assert texts.keys() == ENGLISH.keys()
    for key, text in ENGLISH.items():
        translated = texts[key]
        assert type(translated) is type(text), key
        forms = [translated] if isinstance(translated, str) else list(translated.values())
        whole = text if isinstance(text, str) else text["other"]
        assert isinstance(translated, str) or "other" in translated, key
        assert set(VALUE.findall(forms[-1])) == set(VALUE.findall(whole)), key
        assert all(set(VALUE.findall(form)) <= set(VALUE.findall(whole)) for form in forms), key


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_line_of_a_language_is_a_text(code: str) -> None:
    lines = (ROOT / f"src/crypt_core/texts/{code}.txt").read_text().splitlines()
    written = [line for line in lines if line and not line.startswith("#")]
    forms = [1 if isinstance(text, str) else len(text) for text in load_texts(code).values()]
    assert len(written) == sum(forms)  # no line has a mistake, and no text is there twice


def test_every_text_is_used() -> None:
    folders = {"crypt_api/static/-": "*.js", "src/crypt_core/templates": "*.html", "src/crypt_core/http": "*.py"}
    sources = [path for folder, pattern in folders.items() for path in (ROOT / folder).glob(pattern)]
    pages = "".join(path.read_text() for path in sources)
    computed = ("gone.", "error.", "strength.", "sent.read", "sent.destroyed", "sent.expired", "sent.title-")
    assert [
        key
        for key in ENGLISH
        if f'"{key}"' not in pages and f"${{{key}}}" not in pages and not key.startswith(computed)
    ] == []


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("es", "es"),
        ("ES-mx, en;q=0.5", "es"),
        ("en;q=0.5, es;q=0.9", "es"),
        ("tlh, es;q=0.1", "es"),
        ("es;q=0, en", "en"),
        ("tlh", "en"),
        ("es," * 1_000, "en"),  # no browser's
    ],
)
def test_a_browser_gets_the_language_that_it_prefers(accepted: str, code: str) -> None:
    assert language_for({"accept-language": accepted}) == code


def test_texts_within_html_cannot_end_their_element() -> None:
    assert "<" not in as_json({"key": "</script>"})
