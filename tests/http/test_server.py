"""`crypt-api serve`: its flags, its signals, and what it does when things go wrong around it."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypt_api.server.asgi import create_app
from tests.support.errors import error_body
from tests.support.platforms import Process, start_server

LISTENING = r"listening on (http\S+)"


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crypt_api", *arguments]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | (env or {})
    )


def create(url: str, message: str = "secret") -> str:
    answer = httpx.post(url, json={"message": message})
    assert answer.status_code == 200, answer.text
    message_id: str = answer.json()["id"]
    return message_id


def test_an_unread_message_survives_kill_9(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0")
    unread: dict[str, str] = {}
    read: list[str] = []
    for round_number in range(3):
        with start_server(*flags) as process:
            url = process.wait_for(LISTENING)
            for number in range(20):
                message = f"{round_number}-{number}"
                unread[create(url, message)] = message
            for message_id in list(unread)[:5]:
                assert httpx.get(f"{url}/{message_id}").json() == {"message": unread.pop(message_id)}
                read.append(message_id)
            process.kill()
    with start_server(*flags) as process:
        url = process.wait_for(LISTENING)
        assert {httpx.get(f"{url}/{message_id}").status_code for message_id in read} == {404}
        for message_id, message in unread.items():
            assert httpx.get(f"{url}/{message_id}").json() == {"message": message}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_before_it_stops(tmp_path: Path, number: signal.Signals) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        port = int(process.wait_for(LISTENING).rpartition(":")[2])
        body = b'{"message": "secret"}'
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            time.sleep(0.2)  # no clock of ours: the server must have begun to wait for the body
            stopped = threading.Thread(target=process.stop, args=(number,))
            stopped.start()
            time.sleep(0.2)
            connection.sendall(body)
            answer = received(connection)
            assert answer.startswith(b"HTTP/1.1 200")
        stopped.join()
        assert process.wait() == 0
        assert "Traceback" not in process.output
    assert [file.name for file in tmp_path.iterdir()] == ["messages.db"]  # its log is carried over
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        message_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
        assert httpx.get(f"{process.wait_for(LISTENING)}/{message_id}").json() == {"message": "secret"}


def test_a_full_disk_answers_503_loses_nothing_and_recovers(tmp_path: Path) -> None:
    """No file of the process may grow beyond 100 KB: to SQLite, writes fail as on a full disk."""
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0") as process:
        url = process.wait_for(LISTENING)
        message_id = create(url)
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
        refused = httpx.post(url, json={"message": "x" * 102_400})
        assert (refused.status_code, refused.content) == (503, b'{"error": "Storage unavailable"}')
        assert int(refused.headers["retry-after"]) > 0
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert httpx.get(f"{url}/{message_id}").json() == {"message": "secret"}
        large = create(url, "x" * 102_400)
        assert httpx.get(f"{url}/{large}").json() == {"message": "x" * 102_400}
        assert "xxxx" not in process.output


def test_a_disk_without_room_for_a_read_keeps_the_message(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0") as process:
        url = process.wait_for(LISTENING)
        message_id = create(url)
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
        for _ in range(3):
            assert httpx.get(f"{url}/{message_id}").status_code == 503
            assert httpx.post(url, json={"message": "x"}).status_code == 503
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert httpx.get(f"{url}/{message_id}").json() == {"message": "secret"}


def forwarded(process: Process, *headers: str) -> list[int]:
    """Statuses of four requests, which come from one client unless the headers say otherwise."""
    url = process.wait_for(LISTENING)
    return [httpx.get(f"{url}/zzzzz", headers={"X-Forwarded-For": header}).status_code for header in headers]


def test_nobody_is_believed_by_default(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        assert forwarded(process, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")[3] == 429


def test_a_trusted_proxy_is_believed_and_what_its_client_invents_is_not(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--trusted-proxies=127.0.0.0/8, ::1") as process:
        assert 429 not in forwarded(process, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
        invented = [f"203.0.113.{n}, 192.0.2.9" for n in range(4)]
        assert forwarded(process, *invented)[3] == 429


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port=99999"], "99999"),
        (["--host=nowhere.invalid"], "cannot listen on nowhere.invalid port 0"),
        (["--host=192.0.2.1"], "cannot listen on 192.0.2.1 port 0: "),
        (["--store=mysql://x"], "STORE must be sqlite:///PATH or memory:, not 'mysql://x'"),
        (["--store=sqlite:///"], "STORE must be"),
        (["--store=sqlite:////proc/x.db"], "cannot open /proc/x.db"),
        (["--store=sqlite:////nowhere/x.db"], "cannot open /nowhere/x.db: No such file or directory"),
        (["--rate-limit-per-second=many"], "RATE_LIMIT_PER_SECOND must be a whole number, not 'many'"),
        (["--rate-limit-per-second=-1"], "RATE_LIMIT_PER_SECOND must be a whole number, not '-1'"),
        (["--max-ttl=59"], "MAX_TTL must be from 60 to 31536000, not 59"),
        (["--id-length=4"], "ID_LENGTH must be from 5 to 20, not 4"),
        (["--trusted-proxies=10.0.0.1/8"], "TRUSTED_PROXIES must be addresses or networks: 10.0.0.1/8 has host bits"),
        (["--colour"], "--colour"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    store = [] if any(a.startswith("--store") for a in arguments) else [f"--store=sqlite:///{tmp_path}/messages.db"]
    result = run("serve", "--port=0", *store, *arguments)
    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", f"--port={port}", f"--store=sqlite:///{tmp_path}/messages.db")
    assert (result.returncode, result.stderr) == (
        1,
        f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_second_server_on_the_same_file_is_told_so(tmp_path: Path) -> None:
    store = f"--store=sqlite:///{tmp_path}/messages.db"
    with start_server(store) as process:
        process.wait_for(LISTENING)
        result = run("serve", "--port=0", store)
    assert result.stderr == f"Error: cannot open {tmp_path}/messages.db: it is in use by another process\n"


def test_flags_come_from_the_environment_too(tmp_path: Path) -> None:
    env = {
        "CRYPT_API_STORE": f"sqlite:///{tmp_path}/elsewhere.db",
        "CRYPT_API_ID_LENGTH": "12",
        "CRYPT_API_MAX_TTL": "3600",
    }
    with start_server(env=env) as process:
        url = process.wait_for(LISTENING)
        assert re.fullmatch("[a-z0-9]{12}", create(url))
        answer = httpx.post(url, json={"message": "x", "ttl": 3601})
        assert answer.content == error_body("Field 'ttl' must be a whole number of seconds from 60 to 3600")
    assert (tmp_path / "elsewhere.db").exists()


def test_help_names_every_flag() -> None:
    result = run("serve", "--help")
    for flag in (
        "host",
        "port",
        "store",
        "rate-limit-per-second",
        "max-ttl",
        "id-length",
        "trusted-proxies",
        "idle-timeout",
    ):
        assert f"--{flag} " in result.stdout
    assert run("--version").stdout.strip() == "0.1.0"


@pytest.mark.parametrize("flag", ["--no-access-log", "--access-log"])
def test_the_access_log_never_names_an_id(tmp_path: Path, flag: str) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", flag) as process:
        url = process.wait_for(LISTENING)
        message_id = create(url)
        httpx.get(f"{url}/{message_id}")
        httpx.get(f"{url}/{message_id}/x")
        process.stop()
    assert message_id not in process.output
    logged = re.findall(r"(\S+ \S+ \d{3}) [\d.]+ ms", process.output)
    assert logged == (["POST / 200", "GET /{id} 200", "GET - 404"] if flag == "--access-log" else [])


def received(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"405"),  # to the parser, an unknown method
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_http_is_refused_in_the_services_own_words(request_bytes: bytes, status: bytes) -> None:
    with start_server("--store=memory:") as process:
        port = int(process.wait_for(LISTENING).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(request_bytes)
            answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Access-Control-Allow-Origin: *\r\n" in answer
    assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


def test_endless_headers_are_cut_off() -> None:
    with start_server("--store=memory:") as process:
        url = process.wait_for(LISTENING)
        connection = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30)
        with connection, pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it comes
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000_000)
        assert httpx.get(url).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"])
def test_a_silent_client_is_dropped(sent: bytes) -> None:
    with start_server("--store=memory:", "--idle-timeout=0.2") as process:
        port = int(process.wait_for(LISTENING).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(sent)
            assert received(connection) == b""


async def test_any_asgi_server_can_run_it(tmp_path: Path) -> None:
    """Spoken to through another implementation of the protocol, with the environment as its only settings."""
    app = create_app({"CRYPT_API_STORE": f"sqlite:///{tmp_path}/messages.db", "CRYPT_API_RATE_LIMIT_PER_SECOND": "1"})
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    told = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": next(events)}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        created = await client.post("/", json={"message": "secret"})
        assert created.status_code == 200
        assert (await client.get("/" + created.json()["id"])).status_code == 429
        assert (await client.head("/")).content == b""
    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not (tmp_path / "messages.db-wal").exists()
