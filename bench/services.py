"""The services under load, each in processes of its own, started empty."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.platforms import Process, start_server
from tests.support.valkey import Engine


@dataclass(frozen=True)
class Service:
    """A service that runs.

    Attributes:
        pids: Its processes, and those of its engine.
        scripts: The scripts of the scenarios, where they are not those of this project's interface.
    """

    name: str
    url: str
    pids: list[int]
    scripts: dict[str, str] = field(default_factory=dict)


Start = Callable[[Path], AbstractContextManager[Service]]
"""Starts a service in an empty folder."""


@contextmanager
def crypt_api_sqlite(folder: Path) -> Iterator[Service]:
    with start_server("--rate-limit-per-second=0", f"--store=sqlite:///{folder}/messages.db") as process:
        yield Service("crypt-api, SQLite", process.url, [process.pid])


@contextmanager
def crypt_api_limited(folder: Path) -> Iterator[Service]:
    """With the rate limit of a new installation, which the load is far beyond."""
    with start_server(f"--store=sqlite:///{folder}/messages.db") as process:
        yield Service("crypt-api, SQLite", process.url, [process.pid], {"limited": "create"})


@contextmanager
def crypt_api_memory(folder: Path) -> Iterator[Service]:  # noqa: ARG001
    with start_server("--rate-limit-per-second=0", "--store=memory:") as process:
        yield Service("crypt-api, memory", process.url, [process.pid])


@contextmanager
def crypt_api_valkey(folder: Path) -> Iterator[Service]:
    with Engine(folder) as engine, start_server("--rate-limit-per-second=0", f"--store={engine.url}") as process:
        yield Service("crypt-api, Valkey", process.url, [process.pid, engine.pid])


@contextmanager
def constant(folder: Path) -> Iterator[Service]:  # noqa: ARG001
    with _uvicorn("constant:app") as process:
        yield Service("bare constant", _url(process), [process.pid])


@contextmanager
def fastapi_redis(folder: Path) -> Iterator[Service]:
    with (
        Engine(folder) as engine,
        _uvicorn("fastapi_redis:app", ENGINE=engine.url.replace("valkey", "redis")) as process,
    ):
        yield Service("FastAPI + Redis by hand", _url(process), [process.pid, engine.pid])


@contextmanager
def snappass(folder: Path) -> Iterator[Service]:
    with Engine(folder) as engine:
        environment = {"REDIS_URL": engine.url.replace("valkey", "redis"), "NO_SSL": "True"}
        command = ["-m", "gunicorn", "--bind=127.0.0.1:0", "--workers=1", "--threads=8", "snappass.main:app"]
        with Process([sys.executable, *command], env=environment) as process:
            url = process.wait_for(r"Listening at: (http://\S+)")
            worker = int(process.wait_for(r"Booting worker with pid: (\d+)"))
            scripts = {"create": "snappass_create", "pair": "snappass_pair"}
            yield Service("snappass, gunicorn", url, [worker, engine.pid], scripts)


def _uvicorn(app: str, **environment: str) -> Process:
    peers = Path(__file__).parent / "peers"
    command = ["-m", "uvicorn", "--app-dir", str(peers), "--host=127.0.0.1", "--port=0", "--no-access-log", app]
    return Process([sys.executable, *command], env={"PYTHONWARNINGS": "ignore", **os.environ, **environment})


def _url(process: Process) -> str:
    return process.wait_for(r"running on (http://\S+)")
