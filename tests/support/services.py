"""Programs of others on loopback: started, waited for, killed, and perhaps shared by all tests."""

import atexit
import itertools
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

START_TIMEOUT = 60.0  # seconds; only ever used up by what never comes


class Service:
    """A process that a test may kill, and start again."""

    def __init__(self, command: Sequence[object], variables: Mapping[str, str] | None = None) -> None:
        self._command = [str(word) for word in command]
        self._environment = os.environ | (variables or {})
        self.start()

    def start(self, *arguments: object) -> None:
        """Start it, again if it was killed: with what it has on the disk."""
        self._process = subprocess.Popen(  # noqa: S603
            [*self._command, *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            env=self._environment,
        )
        try:
            wait_until(self._has_started, f"{Path(self._command[0]).name} does not start")
        except BaseException:
            self.kill()
            raise

    def _has_started(self) -> bool:
        assert self._process.poll() is None, f"{Path(self._command[0]).name} has ended"
        return self.answers()

    def answers(self) -> bool:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


S = TypeVar("S", bound=Service)


def shared(make: Callable[[Path], S]) -> S:
    """Start what all tests share that do not harm it, in a folder of its own; it ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    service = make(folder)

    def stop() -> None:
        service.kill()
        shutil.rmtree(folder)

    atexit.register(stop)
    return service


def _ports() -> Iterator[int]:
    """Ports of this process alone, among those that run tests at once; each of them once before any comes again."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    step = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = [*range(10_000 + number, 32_768, step)]
    first = random.randrange(len(own))
    return itertools.cycle(own[first:] + own[:first])


_own_ports = _ports()


def free_port() -> int:
    """A port below those that the system gives to clients: one of theirs may be taken before the program starts."""
    while True:
        port = next(_own_ports)
        with suppress(OSError), socket.create_server(("", port)):
            return port


def wait_until(condition: Callable[[], object], complaint: str) -> None:
    """Wait for what a process does on its own."""
    deadline = time.monotonic() + START_TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)
