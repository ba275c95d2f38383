"""The page and the command line read each other's messages; neither the service nor the network sees any of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from crypt_api.client.links import sealed_link
from tests.support import spellings
from tests.support.chromium import Tabs
from tests.support.page import FILE, MESSAGE, create, reveal, show_options, write
from tests.support.platforms import Platform
from tests.support.shell import Shell

PASSPHRASE = "unmistakable pass žluť"


@pytest.fixture
def tabs(browser: Browser, unlimited_platform: Platform) -> Iterator[Tabs]:
    with Tabs(browser, unlimited_platform) as tabs:
        yield tabs


@pytest.fixture
def shell(unlimited_platform: Platform, tmp_path: Path) -> Shell:
    return Shell(tmp_path, unlimited_platform.url)


def opened(page: Page, passphrase: str) -> Page:
    expect(page.locator("#read")).to_be_visible()
    if passphrase:
        page.fill("#passphrase", passphrase)
    reveal(page)
    return page


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_the_command_line_reads_what_the_page_sends(tabs: Tabs, shell: Shell, passphrase: str) -> None:
    environment = {"CRYPT_API_PASSPHRASE": passphrase}
    sender = tabs.open()
    link = write(sender, passphrase=passphrase)
    assert shell("read", link, env=environment).stdout.decode() == MESSAGE
    expect(sender.locator("#state")).to_contain_text("Read today")
    sender.click("#another")
    show_options(sender)
    sender.fill("#new-passphrase", passphrase)
    sender.set_input_files("#file", FILE)
    fields = json.loads(shell("read", create(sender), "--json", env=environment).stdout)
    [file] = fields["files"]
    assert (fields["text"], file["name"], file["media_type"]) == ("", FILE["name"], FILE["mimeType"])
    assert (shell.folder / file["path"]).read_bytes() == FILE["buffer"]
    sender.click("#another")
    show_options(sender)
    sender.fill("#new-passphrase", passphrase)
    sender.set_input_files("#file", FILE)
    shell("read", create(sender), "-o", "saved", env=environment)
    assert (shell.folder / "saved").read_bytes() == FILE["buffer"]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_the_page_reads_what_the_command_line_sends(tabs: Tabs, shell: Shell, passphrase: str) -> None:
    (shell.folder / "passphrase").write_text(passphrase)
    (shell.folder / FILE["name"]).write_bytes(FILE["buffer"])
    options = ["--passphrase-file", "passphrase"] if passphrase else []
    text, file = shell.send("-", *options, stdin=MESSAGE.encode()), shell.send("--file", FILE["name"], *options)
    reader = opened(tabs.open(text), passphrase)
    assert reader.text_content("#content") == MESSAGE
    assert shell("status", text).stdout.startswith(b"read")
    reader = opened(tabs.open(file), passphrase)
    with reader.expect_download() as download:
        reader.click("#save")
    assert download.value.suggested_filename == FILE["name"]
    assert download.value.path().read_bytes() == FILE["buffer"]
    taken_back = shell.send("taken back")
    shell("burn", taken_back)
    expect(tabs.open(taken_back)).to_have_title("It was destroyed · crypt")


@pytest.mark.both_platforms
def test_neither_service_nor_network_sees_plain_text_or_secret(tabs: Tabs) -> None:
    """Searches the service's log, everything that it stores, and everything that the browser sends."""
    text = "unmistakable text"
    sender = tabs.open()
    link = write(sender, text, passphrase=PASSPHRASE)
    seen = stored(tabs.platform)
    reader = tabs.open(link)
    reader.fill("#passphrase", "unmistakable mistake")
    reader.click("#reveal")
    expect(reader.locator("#read-problem")).to_contain_text("9 tries")
    reader.fill("#passphrase", PASSPHRASE)
    reveal(reader)
    seen += stored(tabs.platform)
    reader.click("#done")
    sender.click("#another")
    sent = tabs.sent()
    secret = sealed_link(link)[1]
    for spelling in spellings.of_message(secret, PASSPHRASE, text, "unmistakable mistake"):
        assert spelling not in seen
        assert spelling not in sent
    # The id and the hashes are there, so the search looks in the right places.
    assert secret.id.encode() in sent
    assert b"proof_hash" in sent
    assert tabs.platform.name == "worker" or secret.id.encode() in seen


def stored(platform: Platform) -> bytes:
    """The service's log, and everything that it stores."""
    log = platform.process.output.encode()
    if platform.name == "server":
        return log + b"".join(path.read_bytes() for path in platform.folder.rglob("*") if path.is_file())
    values = [key["name"] for key in httpx.get(f"{platform.control}/kv/MESSAGES").json()]
    return log + b"".join(httpx.get(f"{platform.control}/kv/MESSAGES/{name}").content for name in values)
