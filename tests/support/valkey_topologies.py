"""Several engines together: a primary with its replica, a Sentinel, and a Cluster."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.services import START_TIMEOUT, Service, free_port, wait_until
from tests.support.valkey import BINARY, Engine, Proxy


class Pair:
    """A primary and its replica, on a link that can be cut, behind an address that follows the primary."""

    def __init__(self, folder: Path) -> None:
        self.primary = Engine(folder / "a")
        self.replica = Engine(folder / "b")
        self.link = Proxy(self.primary.port)
        self.address = Proxy(self.primary.port)
        self._replicate()

    def fail_over(self) -> None:
        """The primary dies; the replica is promoted, with what it has; then the old primary comes back as a replica."""
        self.primary.kill()
        self.primary, self.replica = self.replica, self.primary
        with self.primary.client as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        self.replica.start()
        self._replicate()
        self.address.target = self.primary.port  # until now it refused: a fence could not hold, and would take a second
        self.address.reset()

    def cut(self) -> None:
        self.link.is_cut = True

    def _replicate(self) -> None:
        self.link.target = self.primary.port
        self.link.is_cut = False
        self.link.reset()
        with self.replica.client as client:
            client.execute_command("REPLICAOF", "127.0.0.1", self.link.port)
            wait_until(lambda: client.info("replication")["master_link_status"] == "up", "the replica does not follow")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.address, self.link, self.primary, self.replica):
            end.__exit__()


class Sentinel(Service):
    """A Sentinel that watches the primary, and promotes a replica within three seconds."""

    def __init__(self, folder: Path, primary: Engine, name: str) -> None:
        folder.mkdir()
        self.port = free_port()
        self._name = name
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {name} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {name} 1500\n"
            f"sentinel failover-timeout {name} 3000\n"
        )
        super().__init__([BINARY, configuration, "--sentinel"])

    def answers(self) -> bool:
        """Whether it knows a replica well enough to promote it: a first `INFO` of the replica has come."""
        with suppress(redis.RedisError), redis.Redis(port=self.port, socket_timeout=START_TIMEOUT) as client:
            for words in client.execute_command("SENTINEL", "REPLICAS", self._name):
                fields = dict(zip(words[::2], words[1::2], strict=True)) if isinstance(words, list) else words
                return fields.get(b"master-link-status", fields.get("master-link-status")) in (b"ok", "ok")
        return False


class ClusterOfThree:
    """Three primaries with a replica each."""

    def __init__(self, folder: Path) -> None:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": 1_000, "cluster-allow-replica-migration": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.engines: list[Engine] = []
        try:
            for number in range(6):
                self.engines.append(Engine(folder / str(number), *arguments))
            self.primaries, self.replicas = self.engines[:3], self.engines[3:]
            self._unite()
        except BaseException:
            self.close()
            raise

    def _unite(self) -> None:
        for engine, slots in zip(self.primaries, ((0, 5460), (5461, 10922), (10923, 16383)), strict=True):
            self.ask(engine, "CLUSTER", "ADDSLOTSRANGE", *slots)
        for engine in self.engines[1:]:
            first = self.engines[0]
            self.ask(engine, "CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for primary, replica in zip(self.primaries, self.replicas, strict=True):
            identity = self.ask(primary, "CLUSTER", "MYID")

            def follows(replica: Engine = replica, identity: Any = identity) -> bool:
                with suppress(redis.RedisError):
                    return bool(self.ask(replica, "CLUSTER", "REPLICATE", identity))
                return False

            wait_until(follows, "the replica does not know its primary")
        wait_until(self.is_well, "the Cluster does not come up")

    def ask(self, engine: Engine, *words: object) -> Any:
        with engine.client as client:
            return client.execute_command(*words)

    def is_well(self) -> bool:
        """Whether every node knows all slots, and every primary has its replica."""
        for engine in self.engines:
            with engine.client as client:
                if b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                    return False
                replication = client.info("replication")
                if replication["role"] == "master" and replication["connected_slaves"] != 1:
                    return False
                if replication["role"] == "slave" and replication["master_link_status"] != "up":
                    return False
        return True

    @property
    def url(self) -> str:
        return f"valkey://{','.join(f'127.0.0.1:{engine.port}' for engine in self.engines)}/0?replicas=1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for engine in self.engines:
            engine.kill()
