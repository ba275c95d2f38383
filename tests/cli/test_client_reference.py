"""The Python client's reference, `docs/client.md`: it is up to date, and its examples run."""

import doctest
import re
from pathlib import Path

import pytest

import crypt_api
from crypt_api import errors
from docs.make_client_reference import PAGE, reference
from tests.support.platforms import Platform


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run .venv/bin/python -m docs.make_client_reference"


def test_the_reference_has_every_public_name() -> None:
    page = PAGE.read_text()
    assert set(re.findall(r"^## `(\w+)`", page, re.MULTILINE)) == set(crypt_api.__all__) - {"errors"}
    for kind in (crypt_api.Client, crypt_api.AsyncClient):
        assert all(f"def {name}(" in page for name in vars(kind) if name[0] != "_")
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert set(re.findall(r"^ *- `(\w+)`: ", page.partition("## Errors")[2], re.MULTILINE)) == kinds


def test_the_examples_of_the_reference_run(
    unlimited_server: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them in order, as if typed into one interpreter, which shows what they show."""
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(examples) > 10
    program = "\n".join(examples).replace("https://example.org", unlimited_server.url)
    test = doctest.DocTestParser().get_doctest(program, {}, PAGE.name, PAGE.name, 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert "".join(said) == ""
