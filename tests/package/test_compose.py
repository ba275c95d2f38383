"""`deploy/compose.yaml` without containers: its programs, settings and variables, on loopback.

A container is a process here, and a volume is a folder. The `docker` commands that `docs/operations.md` has for a
failover are carried out as they stand there; any other command fails.
"""

import re
import shlex
import shutil
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
from tests.support.services import free_port, wait_until
from tests.support.valkey import BINARY

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
ENGINES = ("valkey-a", "valkey-b")
SERVERS = ("server-1", "server-2")

AT_ONCE = ["--repl-diskless-sync-delay", "0"]
"""A replica that joins does not wait for others to join."""


class Compose:
    """What `docker compose` does with the services of the file.

    Attributes:
        variables: `deploy/.env`.
        servers: The processes of the servers that run.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.variables: dict[str, str] = {}
        self.servers: dict[str, Process] = {}
        self._folder = folder
        self._stack = stack
        self._ports = {name: free_port() for name in ENGINES}
        self._engines: dict[str, subprocess.Popen[bytes]] = {}
        self._containers: dict[str, dict[str, Any]] = {}
        """The definitions with which the containers were created: a restart uses them, whatever the variables say."""
        for name in ENGINES:
            stack.callback(self.kill, name)

    def carry_out(self, line: str) -> None:
        """Carry a documented command out."""
        match shlex.split(line):
            case ["docker", "volume", "rm", name]:
                service = name.removeprefix(f"{DOCUMENT['name']}_").removesuffix("-data")
                assert service in ENGINES
                assert service not in self._containers, "the volume is in use"
                shutil.rmtree(self._folder / service)
            case ["docker", "compose", "--file", "deploy/compose.yaml", *words]:
                self._compose(words)
            case words:
                raise AssertionError(words)

    def _compose(self, words: list[str]) -> None:
        match words:
            case ["rm", "--stop", "--force", service]:
                self.kill(service)
                del self._containers[service]
            case ["up", "--detach", "--no-deps", *services]:
                for service in services:
                    self.up(service)
            case ["exec", service, "valkey-cli", *command]:
                with self.engine(service) as client:
                    assert client.execute_command(*command) == 1
            case _:
                raise AssertionError(words)

    def up(self, service: str) -> None:
        """Create the container anew if its definition has changed; start it if it does not run."""
        definition = self._interpolated(SERVICES[service])
        if self._containers.get(service) != definition or not self._runs(service):
            self.kill(service)
            self._containers[service] = definition
            self.start(service)

    def start(self, service: str) -> None:
        """Start the container as it was created, as after a restart of the machine."""
        definition = self._containers[service]
        if service in ENGINES:
            self._start_engine(service, shlex.split(definition["command"]))
        else:
            self._start_server(service, definition["environment"])

    def kill(self, service: str) -> None:
        if service in self.servers:
            self.servers.pop(service).kill()
        if service in self._engines:
            process = self._engines.pop(service)
            process.kill()
            process.wait()

    def engine(self, name: str) -> redis.Redis:
        return redis.Redis(port=self._ports[name])

    def is_replicated(self, replica: str) -> bool:
        try:
            with self.engine(replica) as client:
                return bool(client.info("replication").get("master_link_status") == "up")
        except redis.RedisError:
            return False

    def _runs(self, service: str) -> bool:
        return service in self.servers or service in self._engines

    def _interpolated(self, definition: dict[str, Any]) -> dict[str, Any]:
        text = yaml.safe_dump(definition, width=10_000)
        filled = re.sub(r"\$\{(\w+):-(.*?)\}", lambda match: self.variables.get(match[1], match[2]), text)
        result: dict[str, Any] = yaml.safe_load(filled)
        return result

    def _start_engine(self, name: str, command: list[str]) -> None:
        """With the container's command; hosts and ports are those of loopback."""
        program, settings, *arguments = command
        assert (program, settings) == ("valkey-server", "/etc/valkey.conf")
        for host, port in self._ports.items():
            if host in arguments:
                at = arguments.index(host)
                assert arguments[at + 1] == "6379"
                arguments[at : at + 2] = ["127.0.0.1", str(port)]
        (self._folder / name).mkdir(exist_ok=True)
        own = ["--port", str(self._ports[name]), "--bind", "127.0.0.1", "--dir", str(self._folder / name), *AT_ONCE]
        self._engines[name] = subprocess.Popen(  # noqa: S603
            [str(BINARY), str(ROOT / "deploy/valkey/valkey.conf"), *arguments, *own], stdout=subprocess.DEVNULL
        )
        wait_until(lambda: self._answers(name), "the engine does not start")

    def _answers(self, name: str) -> bool:
        try:
            with self.engine(name) as client:
                return bool(client.info("persistence")["loading"] == 0)
        except redis.RedisError:
            return False

    def _start_server(self, name: str, environment: dict[str, Any]) -> None:
        store = environment["CRYPT_API_STORE"]
        for host, port in self._ports.items():
            store = store.replace(f"//{host}:6379/", f"//127.0.0.1:{port}/")
        here = {"STORE": store, "METRICS": "127.0.0.1:0", "TRUSTED_PROXIES": "127.0.0.1"}
        variables = {key: str(value) for key, value in environment.items() if value is not None}
        variables |= {f"CRYPT_API_{variable}": value for variable, value in here.items()}
        self.servers[name] = self._stack.enter_context(start_server(env=variables))


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    with ExitStack() as stack:
        compose = Compose(tmp_path_factory.mktemp("compose"), stack)
        for engine in ENGINES:
            compose.up(engine)
        wait_until(lambda: compose.is_replicated("valkey-b"), "the replica does not follow")
        for server in SERVERS:
            compose.up(server)
        yield compose


def test_the_engines_settings_keep_every_promise(compose: Compose) -> None:
    for server in compose.servers.values():
        assert server.url
        assert "WARNING" not in server.output
        assert "waits for 1 of 1 replicas: a failover brings nothing back" in server.output
        assert "a full engine refuses new messages" in server.output


def test_one_server_dies_and_the_other_one_serves(compose: Compose, tmp_path: Path) -> None:
    upstreams = [upstream.partition(":")[0] for upstream in SERVICES["caddy"]["environment"]["UPSTREAMS"].split()]
    ports = [compose.servers[upstream].port for upstream in upstreams]
    # Caddy picks one of the two at random, four times a second: within a second it could pick the dead one each time.
    with caddy(tmp_path, *ports, try_duration="5s") as url, httpx.Client(base_url=url, timeout=30) as client:
        message_id = client.post("/", json={"message": "secret"}).json()["id"]
        assert len(message_id) == 8
        compose.kill("server-1")
        assert client.get(f"/{message_id}").json() == {"message": "secret"}
        assert client.get(f"/{message_id}").status_code == 404
    compose.up("server-1")


def recipe() -> list[tuple[str, list[str]]]:
    """The blocks of the operator's page for a failover by hand: their language, and their lines."""
    page = (ROOT / "docs/operations.md").read_text()
    [section] = re.findall(r"^### A failover by hand\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [(kind, lines.splitlines()) for kind, lines in blocks]


def test_a_failover_by_hand_loses_nothing_and_brings_nothing_back(compose: Compose) -> None:
    unread: list[str] = []
    read: list[str] = []

    def ask(server: str) -> None:
        """Read one message, and look whether one that was read is still gone."""
        with client_at(f"127.0.0.{len(read) + 2}", compose.servers[server].url) as client:
            if read:
                assert client.get(f"/{read[-1]}").status_code == 404
            read.append(unread.pop())
            assert client.get(f"/{read[-1]}").json() == {"message": "secret"}

    for number in range(10):
        with client_at(f"127.0.1.{number + 1}", compose.servers["server-2"].url) as client:
            unread.append(client.post("/", json={"message": "secret"}).json()["id"])
    ask("server-1")
    compose.kill("valkey-a")
    for kind, lines in recipe():
        for line in lines:
            if kind == "dotenv":
                name, _, value = line.partition("=")
                compose.variables[name] = value
            else:
                compose.carry_out(line)
                if "server-" in line:
                    ask(line.split()[-1])
    for server in SERVERS:
        assert "waits for 1 of 1 replicas" in compose.servers[server].output
    for name in ("valkey-b", "valkey-a", "valkey-b"):  # in the roles that they have now
        compose.kill(name)
        compose.start(name)
        wait_until(lambda: compose.is_replicated("valkey-a"), "the replica does not follow")
        compose.kill("server-1")
        compose.up("server-1")
        ask("server-1")
    assert len(read) == 7
