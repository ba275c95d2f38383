"""A server that lets only those send who have a token: the command, the client, the page and the metrics."""

import re
import socket
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from crypt_api import Client, errors
from tests.support import platforms
from tests.support.chromium import Tabs, chromium
from tests.support.page import create
from tests.support.shell import Shell


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_only_those_who_have_a_token_send(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "")
    token = shell("token", "otter", "--add", "tokens").stdout.decode().strip()
    assert token not in (tmp_path / "tokens").read_text()
    (tmp_path / "token").write_text(token)
    metrics = f"127.0.0.1:{free_port()}"
    flags = (f"--create-tokens={tmp_path}/tokens", f"--metrics={metrics}", "--rate-limit-per-second=0")
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
            expect(page.locator("#token-problem")).to_have_text("This token is not known here.")
            expect(page.locator("#token")).to_be_focused()
            page.fill("#token", token)
            page.check("#remember-token")
            create(page)
            page.click("#another")
            page.fill("#text", "another")
            create(page)
        said = httpx.get(f"http://{metrics}/-/metrics").text
        assert re.search(r'^crypt_api_messages_created_by_total\{label="otter"\} 4.0$', said, re.MULTILINE)
        assert token not in said + platform.process.output
