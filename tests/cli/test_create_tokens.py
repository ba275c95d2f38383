"""A server that lets only those send who have a token: the command, the client, the page and the metrics."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from crypt_api import Client, errors
from crypt_api.cli.token import token as token_command
from crypt_api.client.parts import PartKeys
from crypt_api.server.application import open_application
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.encoding import encode_base64url
from crypt_core.http.types import Request, Response
from crypt_core.limits import upload_limits
from crypt_core.parts import MAX_PART_BYTES
from tests.support import platforms
from tests.support.chromium import Tabs, chromium
from tests.support.page import create
from tests.support.shell import Shell
from tests.unit.test_app import body

TOKEN, LINE = new_token("otter")


def test_only_those_who_have_a_token_send(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "")
    token = shell("token", "otter", "--add", "tokens").stdout.decode().strip()
    assert token not in (tmp_path / "tokens").read_text()
    (tmp_path / "token").write_text(token)
    flags = (f"--create-tokens={tmp_path}/tokens", "--metrics=127.0.0.1:0", "--rate-limit-per-second=0")
    with platforms.server(tmp_path, *flags) as platform:
        server = ["--server", platform.url]
        assert b"Use --token-file" in shell("send", "secret", *server, code=6).stderr
        link = shell.send("secret", *server, "--token-file", "token")
        assert shell("read", link).stdout == b"secret"
        assert shell("send", "secret", "--plain", *server, env={"CRYPT_API_TOKEN": token}).stdout
        with Client(platform.url) as client, pytest.raises(errors.TokenRequired):
            client.create_plain("secret")
        with chromium() as browser, Tabs(browser, platform) as tabs:
            page = tabs.open()
            page.fill("#text", "secret")
            page.click("#create")
            expect(page.locator("#token-problem")).to_have_text("This token is not valid here.")
            expect(page.locator("#token")).to_be_focused()
            page.fill("#token", token)
            page.check("#remember-token")
            create(page)
            page.click("#another")
            page.fill("#text", "another")
            create(page)
        said = httpx.get(platform.process.wait_for(r"metrics on (http\S+)") + "/-/metrics").text
        assert re.search(r'^crypt_api_messages_created_by_total\{label="otter"\} 4.0$', said, re.MULTILINE)
        assert token not in said + platform.process.output


@pytest.mark.parametrize(
    ("arguments", "variable", "error"),
    [
        (["--create-tokens", ""], {}, "--create-tokens must be a file"),
        ([], {"CRYPT_API_CREATE_TOKENS": ""}, "CRYPT_API_CREATE_TOKENS must be a file"),
        ([], {"CRYPT_API_CREATE_HEADER": ""}, "CRYPT_API_CREATE_HEADER must be the name of a header"),
    ],
)
def test_a_server_without_the_name_of_its_list_or_header_does_not_start(
    arguments: list[str], variable: dict[str, str], error: str, tmp_path: Path
) -> None:
    """It was meant to let few people send, and would let everybody."""
    result = Shell(tmp_path, "")("serve", "--port=0", "--store=memory:", *arguments, env=variable, code=1)
    assert result.stderr.decode() == f"Error: {error}, and is empty\n"


def test_a_list_that_has_changed_is_read_again_at_sighup(tmp_path: Path) -> None:
    """A list that cannot be used changes nothing."""
    path = tmp_path / "tokens"
    path.write_text(LINE)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with platforms.start_server("--store=memory:", f"--create-tokens={path}", "--rate-limit-per-second=0") as server:

        def status() -> int:
            return httpx.post(server.url, json={"message": "secret"}, headers=headers).status_code

        assert status() == 200
        path.write_text(TOKEN)
        server.send_signal(signal.SIGHUP)
        server.wait_for("the tokens stay as they were: (CREATE_TOKENS: line 1)")
        assert status() == 200
        path.write_text(new_token("seal")[1])
        server.send_signal(signal.SIGHUP)
        server.wait_for("CREATE_TOKENS was read again: (1) tokens")
        assert status() == 401
        assert TOKEN not in server.output


def test_a_sighup_while_the_server_starts_neither_ends_it_nor_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    os.mkfifo(path)
    with platforms.start_server("--store=memory:", f"--create-tokens={path}") as server:
        with path.open("w") as first_list:  # the server is about to read it
            server.send_signal(signal.SIGHUP)
            (tmp_path / "new").write_text(LINE)
            (tmp_path / "new").rename(path)
            first_list.write("# nobody\n")
        server.wait_for("CREATE_TOKENS was read again: (1) tokens")


async def test_a_list_that_is_read_again_forgets_no_upload_and_no_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a part is not counted as a message."""
    monkeypatch.setattr(upload_limits, "MAX_FETCHES", 1)
    (tmp_path / "tokens").write_text(LINE)
    application = open_application(
        {
            "CRYPT_API_STORE": "memory:",
            "CRYPT_API_CREATE_TOKENS": f"{tmp_path}/tokens",
            "CRYPT_API_UPLOAD_PER_HOUR": f"{MAX_PART_BYTES}B",
            "CRYPT_API_RATE_LIMIT_PER_SECOND": "0",
        }
    )
    keys = PartKeys.generate()

    async def ask(method: str, number: int, token: str) -> Response:
        headers = {"authorization": f"Bearer {token}", "ttl": "60", "content-length": "3000000"}
        path = f"/{keys.id(number)}/part"
        return await application.answer(Request("http", method, path, headers, "", body(bytes(3_000_000))))

    uploaded = await ask("PUT", 0, TOKEN)
    assert (uploaded.status, uploaded.created_by) == (201, "")
    for _ in range(2):
        assert (await ask("PUT", 1, TOKEN)).status == 429
        application.read_tokens_again()
    statuses = []
    for _ in range(2):
        statuses.append((await ask("GET", 0, encode_base64url(keys.proof(0)))).status)
        application.read_tokens_again()
    assert statuses == [200, 403]


@pytest.mark.parametrize("text", ["", "\ufeff \n"])
async def test_a_blank_list_is_taken_for_one_that_is_being_written(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    path.write_text(LINE)
    application = open_application({"CRYPT_API_STORE": "memory:", "CRYPT_API_CREATE_TOKENS": str(path)})

    async def status() -> int:
        headers = {"authorization": f"Bearer {TOKEN}"}
        return (await application.answer(Request("http", "PUT", "/", headers, "", body(b"secret")))).status

    path.write_text(text)
    application.read_tokens_again()
    assert "the tokens stay as they were" in caplog.text
    assert await status() == 200
    path.write_text("# nobody\n")
    application.read_tokens_again()
    assert await status() == 401


@pytest.mark.parametrize("text", ["", "# nobody yet\n"])
def test_a_servers_file_without_a_token_lets_nobody_create(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokens").write_text(text)
    open_application({"CRYPT_API_STORE": "memory:", "CRYPT_API_CREATE_TOKENS": f"{tmp_path}/tokens"})
    assert "nobody can create messages" in caplog.text


@pytest.mark.parametrize(
    "there",
    ["", LINE, f"{LINE}\n", f"{LINE}\r\n", f"\ufeff# us\r\n{LINE}"],
    ids=["no line", "open", "ended", "CRLF", "BOM"],
)
def test_a_token_is_added_on_a_line_of_its_own(there: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(there.encode())
    added = [CliRunner().invoke(token_command, ["seal", "--add", str(path)]).stdout.strip() for _ in range(2)]
    tokens = CreateTokens.parse(path.read_text("utf-8"))
    assert [tokens.label_of(token) for token in added] == ["seal", "seal"]
    assert tokens.label_of(TOKEN) == ("otter" if LINE in there else None)
    assert path.read_bytes().startswith(there.encode())


@pytest.mark.parametrize(
    "there",
    [f"label {TOKEN} what is this".encode(), LINE.encode("utf-16"), b"\xff"],
    ids=["a token", "UTF-16", "not text"],
)
def test_a_token_is_not_added_to_a_file_that_is_no_list(there: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(there)
    result = CliRunner().invoke(token_command, ["seal", "--add", str(path)])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path} ")
    assert TOKEN not in result.output
    assert path.read_bytes() == there


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(token_command, ["seal", "--add", f"{tmp_path}/nowhere/tokens"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere/tokens cannot be used (FileNotFoundError)" in result.stderr
