"""`deploy/compose.yaml` without containers: its programs, settings and variables, on loopback."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from tests.support.platforms import ROOT, Process, start_server
from tests.support.proxies import caddy, client_at
from tests.support.valkey import BINARY, free_port, wait_until

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]

AT_ONCE = ["--repl-diskless-sync-delay", "0"]
"""A replica that joins does not wait for others to join."""


def variables(service: str) -> dict[str, str]:
    """Those of a service, as they are without `deploy/.env`."""
    environment = SERVICES[service]["environment"].items()
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in environment}


class Stack:
    """All that runs, by the names of its services."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._engines: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {name: free_port() for name in ("valkey", "valkey-replica")}
        for name in self.ports:
            self._start_engine(name, folder / name)
        wait_until(self._is_replicated, "the replica does not follow")
        store = variables("server-1")["CRYPT_API_STORE"].replace("valkey:6379", f"127.0.0.1:{self.ports['valkey']}")
        self.servers = {name: self.start_server(name, store) for name in ("server-1", "server-2")}
        (folder / "caddy").mkdir()
        servers = [self.servers[upstream.partition(":")[0]] for upstream in self._upstreams()]
        self.url = stack.enter_context(caddy(folder / "caddy", *(server.port for server in servers)))

    def engine(self, name: str) -> redis.Redis:
        return redis.Redis(port=self.ports[name])

    def kill_engine(self, name: str) -> None:
        self._engines[name].kill()
        self._engines[name].wait()

    def _upstreams(self) -> list[str]:
        upstreams: str = SERVICES["caddy"]["environment"]["UPSTREAMS"]
        return upstreams.split()

    def _start_engine(self, name: str, folder: Path) -> None:
        folder.mkdir()
        program, settings, *arguments = SERVICES[name]["command"]
        assert (program, settings) == ("valkey-server", "/etc/valkey.conf")
        own = ["--port", str(self.ports[name]), "--bind", "127.0.0.1", "--dir", str(folder), *AT_ONCE]
        if arguments:
            option, host, _ = arguments
            arguments = [option, "127.0.0.1", str(self.ports[host])]
        command = [str(BINARY), str(ROOT / "deploy/valkey/valkey.conf"), *arguments, *own]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        self._engines[name] = process
        self._stack.callback(self.kill_engine, name)

    def _is_replicated(self) -> bool:
        try:
            with self.engine("valkey-replica") as client:
                return bool(client.info("replication").get("master_link_status") == "up")
        except redis.RedisError:
            return False

    def start_server(self, name: str, store: str) -> Process:
        here = {"STORE": store, "METRICS": "127.0.0.1:0", "TRUSTED_PROXIES": "127.0.0.1"}
        environment = variables(name) | {f"CRYPT_API_{variable}": value for variable, value in here.items()}
        return self._stack.enter_context(start_server(env=environment))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with ExitStack() as stack:
        yield Stack(tmp_path_factory.mktemp("stack"), stack)


def test_the_engines_settings_keep_every_promise(stack: Stack) -> None:
    for server in stack.servers.values():
        assert server.url
        assert "WARNING" not in server.output
        assert "waits for 1 of 1 replicas: a failover brings nothing back" in server.output
        assert "a full engine refuses new messages" in server.output


def test_one_server_dies_and_the_other_one_serves(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        message_id = client.post("/", json={"message": "secret"}).json()["id"]
        assert len(message_id) == 8
        stack.servers["server-1"].kill()
        assert client.get(f"/{message_id}").json() == {"message": "secret"}
        assert client.get(f"/{message_id}").status_code == 404


def test_a_failover_by_hand_as_the_operators_page_says_it(stack: Stack) -> None:
    with client_at("127.0.0.2", stack.servers["server-2"].url) as client:
        unread, read = (client.post("/", json={"message": "secret"}).json()["id"] for _ in range(2))
        assert client.get(f"/{read}").status_code == 200
    stack.kill_engine("valkey")
    with stack.engine("valkey-replica") as replica:
        replica.execute_command("REPLICAOF", "NO", "ONE")
    server = stack.start_server("server-2", f"valkey://127.0.0.1:{stack.ports['valkey-replica']}/0?replicas=0")
    with client_at("127.0.0.2", server.url) as client:
        assert client.get(f"/{unread}").json() == {"message": "secret"}
        assert client.get(f"/{read}").status_code == 404
