"""Where only those who have a token may create messages: everybody reads, and no list or error has a token."""

import json

import pytest

from crypt_api.server.stores.memory import MemoryStore
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.errors import SettingsError
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.settings import Settings
from tests.support.sealed import Sealed
from tests.unit.test_app import body

TOKEN, LINE = new_token("otter@example.org")
APP = App(Settings.from_mapping({"CREATE_TOKENS": f"# who may send\n\n{LINE}\n"}))


async def ask(store: MemoryStore, method: str, path: str, content: object = None, token: str | None = None) -> Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await APP.handle(Request("http", method, path, headers, "", body(json.dumps(content).encode())), store)


@pytest.mark.parametrize("token", [None, "", TOKEN[:-1], LINE.split()[1]], ids=["none", "empty", "cut off", "its hash"])
async def test_without_a_token_nothing_is_created(token: str | None) -> None:
    sealed = Sealed()
    for method, path, content in (("POST", "/", {"message": "secret"}), ("PUT", sealed.path, sealed.body)):
        response = await ask(MemoryStore(), method, path, content, token)
        assert (response.status, json.loads(response.body)["code"]) == (401, "token_required")
        assert (response.headers["WWW-Authenticate"], response.created_by) == ("Bearer", "")


async def test_with_a_token_messages_are_created_and_everybody_reads_them() -> None:
    store = MemoryStore()
    response = await ask(store, "POST", "/", {"message": "secret"}, TOKEN)
    assert (response.status, response.created_by) == (200, "otter@example.org")
    assert (await ask(store, "GET", f"/{json.loads(response.body)['id']}")).status == 200
    sealed = Sealed()
    assert (await ask(store, "PUT", sealed.path, sealed.body, TOKEN)).created_by == "otter@example.org"
    again = await ask(store, "PUT", sealed.path, sealed.body, TOKEN)
    assert (again.status, again.created_by) == (200, "")  # it was created before


def test_the_list_has_no_token() -> None:
    assert TOKEN not in LINE
    assert TOKEN not in repr(CreateTokens.parse(LINE))
    with pytest.raises(SettingsError) as error:
        CreateTokens.parse(f"{LINE}\nlabel {TOKEN} what is this")
    assert "line 2" in str(error.value)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize("label", ["", "two words", "x" * 51, "line\n"])
def test_a_label_is_one_word(label: str) -> None:
    with pytest.raises(SettingsError):
        new_token(label)
