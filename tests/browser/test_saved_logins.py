"""What Firefox's password manager fills in unasked is never used.

It fills password fields that are hidden, too, and where `autocomplete="off"` asks it not to. A login is saved under
what stands in the field before the password, which is the number of readers.
"""

from collections.abc import Iterator

import pytest

from crypt_core.create_tokens import new_token
from tests.support import platforms
from tests.support.firefox import Firefox
from tests.support.page import MESSAGE
from tests.support.plain import create_path
from tests.support.platforms import Platform
from tests.support.sent_in_firefox import open_message, send

SAVED = "what Firefox remembers"

BAIT = """
const form = document.createElement("form");
form.append(Object.assign(document.createElement("input"), { type: "password", id: "bait" }));
document.body.append(form);
"""

FILLED = """
document.querySelector("#bait").form.remove();
return [...document.querySelectorAll("input")].filter((field) => field.value === arguments[0]).map((field) => field.id);
"""

NOTE_FILLS = """
const field = document.querySelector("#passphrase");
field.autocomplete = "current-password";
field.addEventListener("input", () => { window.wasFilled = true; });
"""


@pytest.fixture(params=["", "1", "somebody"])
def user(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def token() -> tuple[str, str]:
    return new_token("somebody")


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory, token: tuple[str, str]) -> Iterator[Platform]:
    """A server on which only people with a token may send."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens").write_text(token[1] + "\n")
    with platforms.server(folder, "--rate-limit-per-second=0", f"--create-tokens={folder}/tokens") as platform:
        yield platform


def filled(firefox: Firefox, value: str = SAVED) -> list[str]:
    """The page's fields that Firefox has filled, once it has filled one that was put there last."""
    firefox.script(BAIT)
    firefox.wait_for("document.querySelector('#bait').value === arguments[0]", value)
    fields: list[str] = firefox.script(FILLED, value)
    return fields


def test_no_saved_login_becomes_a_passphrase(firefox: Firefox, unlimited_server: Platform, user: str) -> None:
    firefox.save_login(unlimited_server.url, user, SAVED)
    firefox.new_tab(unlimited_server.url)
    assert filled(firefox) == []
    link = send(firefox, MESSAGE)
    assert not firefox.is_visible("#sent-passphrase")
    firefox.new_tab(link)
    assert filled(firefox) == []
    assert open_message(firefox) == MESSAGE


def test_a_reader_types_the_passphrase_though_a_login_is_saved(
    firefox: Firefox, unlimited_server: Platform, user: str
) -> None:
    firefox.save_login(unlimited_server.url, user, SAVED)
    firefox.new_tab(unlimited_server.url)
    firefox.new_tab(send(firefox, MESSAGE, passphrase="correct horse"))
    firefox.wait_until_visible("#passphrase")
    assert filled(firefox) == []
    firefox.click("#reveal")
    firefox.wait_for("document.querySelector('#read-problem').textContent.startsWith('Enter the passphrase')")
    firefox.click("#show-passphrase")
    firefox.click("#show-passphrase")  # the field becomes a password field again
    assert filled(firefox) == []
    firefox.type("#passphrase", "correct horse")
    assert open_message(firefox) == MESSAGE


def test_a_fill_is_removed_where_a_browser_fills_fields_for_new_passwords(
    firefox: Firefox, unlimited_server: Platform
) -> None:
    firefox.save_login(unlimited_server.url, "", SAVED)
    firefox.new_tab(unlimited_server.url)
    firefox.new_tab(send(firefox, MESSAGE, passphrase="correct horse"))
    firefox.wait_until_visible("#passphrase")
    firefox.script("document.querySelector('#passphrase').autocomplete = 'current-password'")
    firefox.script(
        "document.querySelector('#passphrase').addEventListener('input', () => { window.wasFilled = true; })"
    )
    firefox.click("#show-passphrase")
    firefox.click("#show-passphrase")
    firefox.wait_for("window.wasFilled")
    assert filled(firefox) == []


def test_a_saved_token_is_no_passphrase(
    firefox: Firefox, guarded_server: Platform, token: tuple[str, str], user: str
) -> None:
    firefox.save_login(guarded_server.url, user, token[0])
    firefox.new_tab(guarded_server.url)
    assert filled(firefox, token[0]) == []
    firefox.type("#token", token[0])
    firefox.new_tab(send(firefox, MESSAGE))
    assert open_message(firefox) == MESSAGE


def test_a_saved_login_is_in_nobodys_way_on_the_reveal_page(firefox: Firefox, unlimited_server: Platform) -> None:
    firefox.save_login(unlimited_server.url, "", SAVED)
    with unlimited_server.client() as client:
        firefox.new_tab(unlimited_server.url + create_path(client, MESSAGE))
    assert filled(firefox) == []
    firefox.click("#reveal")
    firefox.wait_until_visible("#message")
    assert firefox.text("#message") == MESSAGE
