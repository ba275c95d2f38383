"""Docs that can fail: what they name must be there, and what is there must be named."""

import re
import shlex

import click
import httpx
import pytest

from crypt_api.cli.serve import serve
from crypt_core import errors
from crypt_core.settings import Settings
from tests.support.platforms import ROOT, Platform

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


ROWS = re.findall(r"^\| (\d{3}) \| (?:`([^`]*)`)?.* \| `(?:[^`|]*\\\| )?curl ([^`]*)` \|$", README, re.MULTILINE)


@pytest.mark.parametrize(("status", "text", "arguments"), ROWS)
def test_every_curl_in_the_readmes_table_gets_what_it_says(
    client: httpx.Client, status: str, text: str, arguments: str
) -> None:
    """Read as curl would; what is piped into it is a message that is too large."""
    method, path, headers, data = "GET", "", {}, None
    words = iter(shlex.split(arguments))
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                method, data = "POST", next(words).replace("@-", '{"message": "' + "0" * 102_401 + '"}')
            case url:
                path = url.removeprefix("…")
    answer = client.request(method, path, headers=headers, content=data)
    assert answer.status_code == int(status)
    assert (answer.json()["error"] if answer.content else "") == text


def test_the_table_has_such_commands() -> None:
    assert {int(status) for status, _, _ in ROWS} == {204, 400, 403, 404, 405, 413}


def test_every_flag_is_in_the_example_environment() -> None:
    example = (ROOT / ".env.example").read_text()
    for option in serve.params:
        assert isinstance(option, click.Option)
        assert f"CRYPT_API_{str(option.name).upper()}=" in example


def test_every_setting_is_a_variable_of_the_worker() -> None:
    configuration = (ROOT / "wrangler.toml").read_text()
    for name in Settings.NAMES:
        assert f'\n{name} = "' in configuration


def test_the_readmes_python_works(server: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(program.replace("https://example.org", server.url), {})  # noqa: S102 - our own
    assert capsys.readouterr().out == "unread\n"
