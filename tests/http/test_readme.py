"""The README's examples do what the README says."""

import re
import shlex

import httpx
import pytest

from tests.support.platforms import ROOT, Platform

README = (ROOT / "README.md").read_text()

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


def test_the_readmes_python_works(server: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(program.replace("https://example.org", server.url), {})  # noqa: S102 - our own
    assert capsys.readouterr().out == "unread\n"
