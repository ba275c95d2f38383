"""The texts of all pages, in each language, and which language a browser gets.

`texts/` has a file for each language, with a line for each text: a key, `=`, and the text. `{name}` in a text is a
value. A text with numbers has a line for each plural form of the language, such as `read.left[one]`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from crypt_core.encoding import encode_json
from crypt_core.http.negotiation import rated_values

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt-BR": "Português (Brasil)",
    "ar": "العربية",
    "ja": "日本語",
    "zh-Hans": "简体中文",
}
"""The codes of the languages (BCP 47), and their own names. The first one is for browsers that want none of them."""

RIGHT_TO_LEFT = frozenset({"ar"})
"""The languages that are written from right to left."""

_LINE = re.compile(r"([\w.-]+)(?:\[(\w+)\])? = (.+)")

Texts = Mapping[str, str | dict[str, str]]
"""A text by its key; a text with plural forms has them by their names."""


def language_for(headers: Mapping[str, str]) -> str:
    """Give the code of the language that `Accept-Language` rates highest, of those that there are."""
    rated = rated_values(headers.get("accept-language", ""))
    for tag in sorted(rated, key=lambda tag: -rated[tag]):
        if rated[tag] and (code := _code_of(tag)):
            return code
    return next(iter(LANGUAGES))


@cache
def load_texts(code: str) -> Texts:
    """Read the file of a language."""
    texts: dict[str, str | dict[str, str]] = {}
    for line in (files("crypt_core") / "texts" / f"{code}.txt").read_text("utf-8").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        key, form, text = match.groups()
        if form is None:
            texts[key] = text
            continue
        forms = texts.setdefault(key, {})
        assert isinstance(forms, dict)  # noqa: S101 - a test reads all files
        forms[form] = text
    return texts


def as_json(texts: Texts) -> str:
    """Write texts for the scripts, in a form that can be put into HTML: no `<` could end the element."""
    return encode_json(texts).replace("<", r"\u003c")


def _code_of(tag: str) -> str | None:
    """Find the language of a tag such as `pt-PT`: the same one, or else one that differs in its region only."""
    language = tag.partition("-")[0]
    exact = (code for code in LANGUAGES if code.lower() == tag)
    related = (code for code in LANGUAGES if code.lower().partition("-")[0] == language)
    return next(exact, None) or next(related, None)
