"""The server as a process: its descriptors, its signals, and its addresses."""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.edge import EVENT_LOOPS, start_on
from tests.support.platforms import NO_TLS, Process, start_server
from tests.support.processes import cpu_seconds, descriptors, memory
from tests.support.rate import within_a_second
from tests.support.services import free_port
from tests.support.sockets import GET, HOST, connect, received, statuses

LISTENING = r"listening on (http\S+)"


def port_of(process: Process) -> int:
    return int(process.wait_for(LISTENING).rpartition(":")[2])


@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
def test_a_crowd_at_once_does_not_exhaust_the_descriptors(event_loop: str) -> None:
    """Asyncio's own loop takes everything that the system has accepted, before the server may drop any of it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))  # the server inherits it, and must raise it
    try:
        process = start_on(event_loop, "--store=memory:", "--max-connections=100")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    with process:
        port = port_of(process)
        os.kill(process.pid, signal.SIGSTOP)
        crowd = [socket.socket() for _ in range(450)]
        for member in crowd:
            member.setblocking(False)  # noqa: FBT003
            member.connect_ex(("127.0.0.1", port))
        os.kill(process.pid, signal.SIGCONT)
        with connect(port) as connection:
            connection.sendall(GET)
            assert statuses(connection.recv(65_536)) == [200]
        assert descriptors(process.pid) < 150
        for member in crowd:
            member.close()
        process.stop()
        assert process.output.count("\n") == 1, process.output[:1_000]


@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
def test_others_are_answered_while_many_connections_flood(event_loop: str) -> None:
    """Each connection asks for far more than it reads. A newcomer waits for some of them, and not for all."""
    flood = (b"GET /-/openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * 3_000
    with start_on(event_loop, "--store=memory:", "--rate-limit-per-second=0") as process:
        port = port_of(process)
        memory_before = memory(process.pid)
        flooding = []
        for _ in range(900):
            member = socket.socket()
            member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            member.connect(("127.0.0.1", port))
            member.setblocking(False)  # noqa: FBT003
            flooding.append(member)
        slowest = 0.0
        for _ in range(4):
            for member in flooding:
                with suppress(BlockingIOError):
                    member.send(flood)
            started = cpu_seconds(process.pid)  # whatever else is to be done on this machine
            with connect(port) as connection:
                connection.sendall(GET)
                assert statuses(connection.recv(65_536)) == [200]
            slowest = max(slowest, cpu_seconds(process.pid) - started)
        for member in flooding:
            member.close()
        assert slowest < 3  # seconds; for a turn of each connection it would be 20
        assert memory(process.pid) - memory_before < 200_000_000


def test_more_connections_than_the_system_allows_are_refused_at_the_start() -> None:
    script = f"ulimit -n 500 && exec {sys.executable} -m crypt_api serve --port=0 --store=memory: --max-connections=400"
    result = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (result.returncode, result.stderr) == (
        1,
        "Error: --max-connections of 400 needs 1056 open files, and this process may have 500\n",
    )


@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_further_signals_do_not_disturb_the_end(event_loop: str, number: signal.Signals, tmp_path: Path) -> None:
    with start_on(event_loop, f"--store=sqlite:///{tmp_path}/messages.db") as process:
        url = process.wait_for(LISTENING)
        httpx.post(url, json={"message": "x" * 100_000})
        ended = threading.Event()

        def disturb() -> None:
            while not ended.is_set():
                process.send_signal(number)
                time.sleep(0.001)

        disturbing = threading.Thread(target=disturb)
        disturbing.start()
        try:
            assert process.wait() == 0
        finally:
            ended.set()
            disturbing.join()
        assert process.output.count("\n") == 1, process.output
    assert not (tmp_path / "messages.db-wal").exists()  # its log is carried over


def test_a_server_under_nohup_outlives_its_terminal() -> None:
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the server inherits it
    try:
        process = start_server("--store=memory:")
    finally:
        signal.signal(signal.SIGHUP, ignored)
    with process:
        url = process.wait_for(LISTENING)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert httpx.get(f"{url}/-/health").status_code == 200


STDERR = {"a full disk": "2>/dev/full", "nobody who reads": "2>&1 >/dev/null | true", "nothing": "2>&-"}


@pytest.mark.parametrize("redirection", STDERR.values(), ids=STDERR)
def test_a_server_starts_and_ends_although_nobody_takes_what_it_says(redirection: str, tmp_path: Path) -> None:
    port = free_port()
    serve = f"{sys.executable} -m crypt_api serve --port={port} --store=sqlite:///{tmp_path}/messages.db"
    script = f"{{ {{ sh -c 'echo $$ >{tmp_path}/pid; exec {serve}'; echo $? >{tmp_path}/code; }} {redirection}; }}"
    with subprocess.Popen(["/bin/sh", "-c", script]) as shell:  # noqa: S603
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=7))
        with client:
            message_id = client.post("/", json={"message": "secret"}).json()["id"]
            assert client.get(f"/{message_id}").json() == {"message": "secret"}
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
        shell.wait(30)
    assert (tmp_path / "code").read_text() == "0\n"


@pytest.mark.parametrize("event_loop", EVENT_LOOPS)
@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_clients_are_served_and_told_apart(event_loop: str, host: str) -> None:
    """A dual-stack socket has IPv4 clients, too; each family has its own limit."""
    with start_on(event_loop, "--store=memory:", f"--host={host}", "--rate-limit-per-second=1") as process:
        port = port_of(process)
        for address in ["[::1]", "127.0.0.1"][: 2 if host == "::" else 1]:
            with httpx.Client(base_url=f"http://{address}:{port}", verify=NO_TLS) as client:
                answers = within_a_second(lambda: [client.get("/zzzzz").status_code for _ in range(2)])
            assert answers == [404, 429]


def test_metrics_have_their_own_few_connections() -> None:
    with start_on("uvloop", "--store=memory:", "--metrics=127.0.0.1:0") as process:
        port = int(process.wait_for(r"metrics on (http\S+)").rpartition(":")[2])
        before = descriptors(process.pid)
        held = [connect(port) for _ in range(100)]
        with connect(port) as connection:
            connection.sendall(GET.replace(b"/-/health", b"/-/metrics"))
            connection.shutdown(socket.SHUT_WR)
            assert statuses(received(connection)) == [200]
        assert descriptors(process.pid) - before < 20
        for connection in held:
            connection.close()
