"""The webhook: what is sent and signed, how often, and what is never shown."""

import asyncio
import base64
import json
from collections.abc import Mapping

import pytest

from crypt_api.server.stores.memory import MemoryStore
from crypt_core import webhook
from crypt_core.events import Event
from crypt_core.http.app import App
from crypt_core.http.types import Request
from crypt_core.setting_values import SettingsError
from crypt_core.settings import Settings
from crypt_core.webhook import Deliveries, Webhook
from tests.support.sealed import Sealed
from tests.unit.test_app import body

URL = "https://hooks.example.org/services/path-secret?key=query-secret"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = Webhook.parse(URL, SECRET)
EVENT = Event("read", "backup-key", 1_800_000_000.5)
WITH_HOOK = Settings(webhook=HOOK)


def test_a_request_is_signed_as_in_the_example_of_standard_webhooks() -> None:
    headers = HOOK.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1_614_265_330.9)
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class Receiver:
    """A receiver that answers as it was told, and a clock that passes while a delivery waits."""

    def __init__(self, *answers: int | Exception) -> None:
        self.now = 0.0
        self.attempts: list[tuple[float, Mapping[str, str], bytes]] = []
        self.results: list[str] = []
        self._answers = list(answers)
        self.deliveries = Deliveries(
            HOOK, self._post, (2, 10), on_result=self.results.append, sleep=self._sleep, clock=lambda: self.now
        )

    async def _post(self, url: str, headers: Mapping[str, str], content: bytes) -> int:
        assert url == URL
        self.attempts.append((self.now, headers, content))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("answers", "times", "result"),
    [
        ((200,), (0,), "delivered"),
        ((204,), (0,), "delivered"),
        ((500, OSError(URL), 200), (0, 2, 12), "delivered"),
        ((302, 404, 410), (0, 2, 12), "failed"),  # a redirect is not followed
        ((TimeoutError(URL), ValueError(URL), 503), (0, 2, 12), "failed"),
    ],
)
async def test_an_event_is_tried_again_and_not_for_ever(
    answers: tuple[int | Exception, ...],
    times: tuple[float, ...],
    result: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver = Receiver(*answers)
    await receiver.deliveries.deliver(EVENT)
    assert [now for now, _, _ in receiver.attempts] == list(times)
    assert receiver.results == [result]
    assert receiver.deliveries.waiting == 0
    assert len({headers["webhook-id"] for _, headers, _ in receiver.attempts}) == 1
    assert [headers["webhook-timestamp"] for _, headers, _ in receiver.attempts] == [str(int(time)) for time in times]
    for _, _, content in receiver.attempts:
        assert json.loads(content) == {"event": "read", "reference": "backup-key", "at": "2027-01-15T08:00:00Z"}
    assert len(caplog.records) == (answers[0] not in (200, 204))  # once, until one arrives
    assert "secret" not in caplog.text
    assert "backup-key" not in caplog.text


async def test_few_attempts_at_a_time_and_a_bounded_queue_behind_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "MAX_WAITING", 10)
    open_requests, most = 0, 0
    results: list[str] = []

    async def hang(*_: object) -> int:
        nonlocal open_requests, most
        open_requests += 1
        most = max(most, open_requests)
        await answered.wait()
        open_requests -= 1
        return 200

    answered = asyncio.Event()
    deliveries = Deliveries(HOOK, hang, (), on_result=results.append)
    tasks = [asyncio.ensure_future(deliveries.deliver(EVENT)) for _ in range(12)]
    await asyncio.sleep(0.01)
    assert (most, deliveries.waiting, results) == (webhook.MAX_ATTEMPTS_AT_A_TIME, 10, ["dropped"] * 2)
    assert "too many wait" in caplog.text
    answered.set()
    await asyncio.gather(*tasks)
    assert results[2:] == ["delivered"] * 10


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.org/services/path-secret",
        "ftp://hooks.example.org/path-secret",
        "https:///path-secret",
        "https://hooks.example.org:port/path-secret",
        "https://hooks.example.org:99999/path-secret",
        "https://[::1/path-secret",
        "https://user:password-secret@hooks.example.org/",
        "https://hooks.example.org/path secret",
        "https://hooks.example.org/path-secret#x",
        "https://hooks.example.org/\u2028path-secret",
        "https://hooks.example.org/path\r\nsecret: x",
    ],
)
def test_what_is_no_receiver_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_mapping({"WEBHOOK": url, "WEBHOOK_SECRET": SECRET})
    assert "WEBHOOK must" in str(error.value)
    assert "secret" not in str(error.value).lower().replace("webhook_secret", "")


@pytest.mark.parametrize("bytes_", [0, 23, 65])
@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_what_is_no_secret_is_refused_and_not_quoted(bytes_: int, prefix: str) -> None:
    text = base64.b64encode(b"\xfb" * bytes_).decode()
    for secret in (prefix + text, prefix + text.replace("+", "-"), prefix + text + "!"):
        with pytest.raises(SettingsError) as error:
            Settings.from_mapping({"WEBHOOK": URL, "WEBHOOK_SECRET": secret})
        assert "24 to 64 random bytes" in str(error.value)
        assert not text or text not in str(error.value)


def test_neither_half_is_enough_and_nothing_of_it_is_shown() -> None:
    assert Settings.from_mapping({"WEBHOOK": "", "WEBHOOK_SECRET": ""}).webhook is None
    for half in ({"WEBHOOK": URL}, {"WEBHOOK_SECRET": SECRET}):
        with pytest.raises(SettingsError):
            Settings.from_mapping(half)
    settings = Settings.from_mapping({"WEBHOOK": f" {URL}\n", "WEBHOOK_SECRET": f"{SECRET}\n"})
    assert settings == WITH_HOOK
    assert "secret" not in repr(settings)
    assert "hooks" not in repr(settings)


async def create(settings: Settings, reference: object) -> list[tuple[int, str]]:
    """What a plain and a sealed message with this reference get."""
    app, store, sealed = App(settings), MemoryStore(), Sealed()
    answers = []
    for method, path, fields in (("POST", "/", {"message": "secret"}), ("PUT", sealed.path, sealed.body)):
        content = body(json.dumps({**fields, "notify": reference}).encode())
        response = await app.handle(Request("http", method, path, {}, "", content), store)
        answers.append((response.status, json.loads(response.body).get("error", "")))
    return answers


@pytest.mark.parametrize("reference", ["x", "a" * 64, "https://tickets.example.org/4711?x=!~"])
async def test_a_sender_opts_in_with_a_word_of_its_own(reference: str) -> None:
    assert await create(WITH_HOOK, reference) == [(200, ""), (201, "")]


@pytest.mark.parametrize("reference", ["", "a" * 65, "two words", "é", "x\n", 7, None, ["x"]])
async def test_another_reference_is_refused(reference: object) -> None:
    error = "Field 'notify' must be 1 to 64 visible ASCII characters"
    assert await create(WITH_HOOK, reference) == [(400, error)] * 2


async def test_without_a_webhook_nobody_waits_for_news_in_vain() -> None:
    error = "Field 'notify' cannot be used: this service has no webhook"
    assert await create(Settings(), "x") == [(400, error)] * 2


@pytest.mark.parametrize("settings", [Settings(), WITH_HOOK])
async def test_clients_are_told_whether_there_is_a_webhook(settings: Settings) -> None:
    response = await App(settings).handle(Request("http", "GET", "/-/limits", {}, "", body()), MemoryStore())
    assert json.loads(response.body)["notify"] is (settings.webhook is not None)
