"""The webhook, from a sender's request to the operator's receiver, on both platforms."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from crypt_api import Client
from crypt_api.server import webhook
from crypt_core.webhook import ATTEMPT_SECONDS, Webhook
from tests.support import platforms
from tests.support.platforms import LONG_IDS, ROOT, Platform
from tests.support.receivers import Received, Receiver
from tests.support.sealed import Sealed
from tests.support.services import free_port, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(params=["server", "worker"])
def service(request: pytest.FixtureRequest, receiver: Receiver, tmp_path: Path) -> Iterator[Platform]:
    url = f"{receiver.url}/path-secret"
    if request.param == "worker":
        variables = (f"WEBHOOK:{url}", f"WEBHOOK_SECRET:{SECRET}", "ID_LENGTH:20")
        with platforms.worker(*(part for variable in variables for part in ("--var", variable))) as platform:
            yield platform
        return
    (tmp_path / "secret").write_text(SECRET)
    flags = (f"--webhook={url}", f"--webhook-secret-file={tmp_path}/secret", "--metrics=127.0.0.1:0", LONG_IDS)
    with platforms.server(tmp_path, *flags) as platform:
        yield platform


def is_signed(received: Received) -> bool:
    event_id, sent_at = received.headers["webhook-id"], received.headers["webhook-timestamp"]
    expected = Webhook.parse("http://x", SECRET).headers(event_id, received.body, int(sent_at))
    return received.headers["webhook-signature"] == expected["webhook-signature"]


def test_the_receiver_is_told_what_became_of_messages_and_not_which(service: Platform, receiver: Receiver) -> None:
    sealed = Sealed()
    with service.client() as client:
        assert client.get("/-/limits").json()["notify"] is True
        message_id = client.post("/", json={"message": "secret", "notify": "plain"}).json()["id"]
        assert client.put(sealed.path, json={**sealed.body, "notify": "sealed"}).status_code == 201
        silent = client.post("/", json={"message": "secret"}).json()["id"]
        assert client.get(f"/{message_id}").status_code == 200
        assert client.get(f"/{silent}").status_code == 200
        assert client.delete(sealed.path, headers=sealed.headers).status_code == 204
    with Client(service.url) as client:
        client.destroy(client.send("secret", notify="client").link)
        client.destroy(client.ask("question", notify="question").ask_link)
    events = receiver.wait_for(4)
    told = sorted((json.loads(event.body)["event"], json.loads(event.body)["reference"]) for event in events)
    assert told == [("destroyed", "client"), ("destroyed", "question"), ("destroyed", "sealed"), ("read", "plain")]
    for event in events:
        assert event.path == "/path-secret"
        assert set(json.loads(event.body)) == {"event", "reference", "at"}
        assert is_signed(event)
        assert abs(int(event.headers["webhook-timestamp"]) - time.time()) < 60
        for secret in (message_id, sealed.id, 'secret"'):
            assert secret not in repr(event).replace("path-secret", "")
    assert "path-secret" not in service.process.output
    if service.name == "server":
        url = service.process.wait_for(r"metrics on (http\S+)") + "/-/metrics"
        wait_until(
            lambda: 'crypt_api_webhook_events_total{result="delivered"} 4.0' in httpx.get(url).text, "never counted"
        )
        assert "crypt_api_webhook_waiting 0.0" in httpx.get(url).text


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The URL of a receiver that answers with these bytes, and then waits until its client leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await reader.read()
        writer.close()
        done.set()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?y"
    server.close()
    await done.wait()


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.0 200\r\n", 200),  # nobody waits for the rest
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n", 500),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 302),
        (b"", TimeoutError),  # it hangs
        (b"HTTP/1.1 2", TimeoutError),
        (b"SSH-2.0-x\r\n", ValueError),
        (b"HTTP/1.1 200 " + b"x" * 200_000, ValueError),
    ],
)
async def test_whatever_the_receiver_answers_an_attempt_ends(
    answer: bytes, result: int | type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    if result is TimeoutError:
        monkeypatch.setattr(webhook, "ATTEMPT_SECONDS", 0.2)
    async with answering(answer) as url:
        if isinstance(result, int):
            assert await webhook.post(url, {}, b"{}") == result
        else:
            with pytest.raises(result):
                await webhook.post(url, {}, b"{}")


async def test_a_receiver_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="Connect"):
        await webhook.post("http://127.0.0.1:1/", {}, b"{}")


def test_a_receiver_that_hangs_delays_nobody_and_a_server_stops_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}/path-secret"
        flags = (f"--webhook={url}", f"--webhook-secret-file={tmp_path}/secret")
        with platforms.server(tmp_path, *flags) as platform:
            with platform.client() as client:
                started = time.monotonic()
                for _ in range(20):
                    message_id = client.post("/", json={"message": "secret", "notify": "x"}).json()["id"]
                    assert client.get(f"/{message_id}").status_code == 200
                assert time.monotonic() - started < ATTEMPT_SECONDS  # which one that waited would take
            assert platform.process.stop() == 0
        assert "20 events of the webhook are lost" in platform.process.output
        assert "path-secret" not in platform.process.output


def test_the_receiver_of_the_page_posts_to_a_chat(receiver: Receiver, tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhook.md").read_text(), re.DOTALL)
    (tmp_path / "receiver.py").write_text(program)
    port = free_port()
    environment = os.environ | {"WEBHOOK_SECRET": SECRET, "CHAT_URL": receiver.url, "PORT": str(port)}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, tmp_path / "receiver.py"], env=environment, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    hook = Webhook.parse(url, SECRET)
    content = json.dumps({"event": "read", "reference": "<!channel>", "at": "2027-01-15T08:00:00Z"}).encode()

    def ask(content: bytes, headers: dict[str, str]) -> int:
        return httpx.post(url, content=content, headers=headers).status_code

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, "it does not listen")
        signed = hook.headers("msg_1", content, time.time())
        assert ask(content + b" ", signed) == 401
        assert ask(content, hook.headers("msg_1", content, time.time() - 400)) == 401
        assert [ask(content, signed) for _ in range(2)] == [204, 204]
        assert ask(content, hook.headers("msg_2", content, time.time())) == 204
    finally:
        process.terminate()
        process.wait(30)
    assert [json.loads(post.body) for post in receiver.received] == [
        {"text": "&lt;!channel&gt;: read, 2027-01-15T08:00:00Z"}
    ] * 2
