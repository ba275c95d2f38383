"""Where only those who have a token may create messages: everybody reads, and no list or error has a token."""

import json
from types import SimpleNamespace

import pytest

from crypt_api.server import metrics
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.stores.memory import MemoryStore
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.http.app import App
from crypt_core.http.types import Request, Response
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from crypt_worker.variables import Variables
from tests.support.sealed import Asked, Sealed, encode
from tests.unit.test_app import body

TOKEN, LINE = new_token("otter@example.org")
APP = App(Settings.from_mapping({"CREATE_TOKENS": f"# who may send\n\n{LINE}\n"}))


async def ask(  # noqa: PLR0913 - the parts of a request
    store: MemoryStore, method: str, path: str, content: object = None, token: str | None = None, *, app: App = APP
) -> Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await app.handle(Request("http", method, path, headers, "", body(json.dumps(content).encode())), store)


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


async def test_who_asks_needs_a_token_and_who_answers_needs_none() -> None:
    app = App(Settings.from_mapping({"CREATE_TOKENS": LINE}), parts=MemoryPartStore())
    store, asked, other = MemoryStore(), Asked(), Asked()
    assert (await ask(store, "PUT", asked.path, asked.body, app=app)).status == 401
    for each in (asked, other):
        assert (await ask(store, "PUT", each.path, each.body, TOKEN, app=app)).status == 201

    async def upload(token: str) -> int:
        """Upload a new part."""
        headers = {"authorization": f"Bearer {token}", "ttl": "60", "content-length": "1"}
        path = f"/{Sealed().id}/part"
        return (await app.handle(Request("http", "PUT", path, headers, "", body(b"x")), store)).status

    proof = encode(asked.answer_proof)
    assert await upload(f"{asked.id}.{proof}") == 201
    for wrong in (asked.id, proof, f"{other.id}.{proof}", f"{Sealed().id}.{proof}", f"abc12.{proof}", f"{asked.id}."):
        assert await upload(wrong) == 401
    assert (await ask(store, "PUT", f"{asked.path}/answer", {"message": "answer"}, proof, app=app)).status == 201
    assert await upload(f"{asked.id}.{proof}") == 401
    assert await upload(TOKEN) == 201


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


@pytest.mark.parametrize("text", ["", "\n", "# nobody yet\n", "\ufeff\n", "  \t\n  # nobody\r\n"])
async def test_a_list_without_a_token_lets_nobody_create_and_says_so(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    for settings in (
        Settings.from_mapping({"CREATE_TOKENS": text}),
        Variables.from_env(SimpleNamespace(CREATE_TOKENS=text)).settings,
    ):
        caplog.clear()
        app = App(settings)
        assert "CREATE_TOKENS has no token: nobody can create messages" in caplog.text
        sealed = Sealed()
        for method, path, content in (("POST", "/", {"message": "secret"}), ("PUT", sealed.path, sealed.body)):
            for token in (None, "", TOKEN):
                response = await ask(MemoryStore(), method, path, content, token, app=app)
                assert (response.status, json.loads(response.body)["code"]) == (401, "token_required")


async def test_without_a_list_everybody_creates(caplog: pytest.LogCaptureFixture) -> None:
    for settings in (Settings.from_mapping({}), Variables.from_env(SimpleNamespace()).settings):
        response = await ask(MemoryStore(), "POST", "/", {"message": "secret"}, app=App(settings))
        assert response.status == 200
    assert caplog.text == ""


def test_metrics_count_only_so_many_creators_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-on may know any number of people."""
    monkeypatch.setattr(metrics, "MAX_CREATORS", 2)
    counted = metrics.Metrics()
    for creator in ("alice", "bob", "carol", "dave", "alice"):
        counted.created_by(creator)
    labels = {"alice": 2.0, "bob": 1.0, "other": 2.0, "carol": None}
    name = "crypt_api_messages_created_by_total"
    assert {label: counted.registry.get_sample_value(name, {"label": label}) for label in labels} == labels


def test_a_list_may_come_from_windows() -> None:
    assert CreateTokens.parse(f"\ufeff{LINE}\r\n  # a comment\r\n").label_of(TOKEN) == "otter@example.org"
