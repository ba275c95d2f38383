"""What the Worker costs beside the smallest Python Worker: processor time, start and memory, on the same runtime.

    .venv/bin/python -m bench.worker [--store kv] [--requests 200] [--rounds 5] [--var MISSES_PER_HOUR:0] ...

The two take turns, so that a busy machine slows both. Requests come one after the other, on one connection.
The smallest Worker also makes the calls of each request, and nothing else: what the platform, and here also what
stands in for KV, costs any Worker that makes them. Cloudflare's rate-limiting binding is left out, whose stand-in
costs what the real one does not.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.support.platforms import NODE, ROOT, Connection, Process
from tests.support.processes import cpu_seconds, memory_now

Request = Callable[[Connection], Awaitable[None]]


class Measured(Process):
    """A Worker, and the process of its runtime."""

    def __init__(self, project: Path, *flags: str) -> None:
        command = [str(NODE), "tools/workerd/serve.mjs", "--port=0", "--without-rate-limits", f"--project={project}"]
        super().__init__([*command, *flags])
        _ = self.url
        children = subprocess.check_output(["pgrep", "-P", str(self.pid)], text=True)  # noqa: S603, S607
        self.runtime = int(children.split()[0])
        self.start = cpu_seconds(self.runtime)
        self.costs: dict[str, list[float]] = {}
        self.growths: dict[str, list[float]] = {}

    async def measure(self, name: str, request: Request, count: int) -> None:
        """Note the milliseconds of processor time, and the bytes of memory, that one request takes."""
        # A connection that waited for the other Worker's turn would be closed.
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port), "CF-Connecting-IP")
        cpu, memory = cpu_seconds(self.runtime), memory_now(self.runtime)
        for _ in range(count):
            await request(connection)
        connection.close()
        self.costs.setdefault(name, []).append((cpu_seconds(self.runtime) - cpu) / count * 1_000)
        self.growths.setdefault(name, []).append((memory_now(self.runtime) - memory) / count)

    def forget(self) -> None:
        """Forget what was measured for warming up."""
        self.costs, self.growths = {}, {}

    def cost(self, name: str) -> float:
        """Milliseconds of processor time that a request takes, as a median."""
        return statistics.median(self.costs[name])


_ids: list[str] = []


async def get_hello(connection: Connection) -> None:
    await connection.ask("GET", "/")


async def get_health(connection: Connection) -> None:
    await connection.ask("GET", "/-/health")


async def miss(connection: Connection) -> None:
    await connection.ask("GET", "/zzzzz")


async def create(connection: Connection) -> None:
    _, answer = await connection.ask("POST", "/", {"message": "x" * 100})
    _ids.append(answer["id"])


async def read(connection: Connection) -> None:
    status, _ = await connection.ask("GET", "/" + _ids.pop())
    if status != 200:  # noqa: PLR2004
        raise RuntimeError(status)


OURS: Mapping[str, Request] = {"health": get_health, "miss": miss, "create": create, "read": read}


def calls(store: str, name: str) -> Request:
    """The calls of a request of ours, alone."""
    numbers = iter(range(1_000_000))

    async def request(connection: Connection) -> None:
        status, _ = await connection.ask("GET", f"/{store}/{name}/{next(numbers)}")
        if status != 200:  # noqa: PLR2004
            raise RuntimeError(status)

    return request


async def main(store: str, requests: int, rounds: int, variables: list[str]) -> None:
    flags = [part for variable in (f"STORE:{store}", *variables) for part in ("--var", variable)]
    theirs = {"hello": get_hello, **{name: calls(store, name) for name in ("miss", "create", "read")}}
    with tempfile.TemporaryDirectory() as folder:
        hello_project = Path(folder) / "hello"
        shutil.copytree(ROOT / "bench/hello_worker", hello_project)
        (hello_project / "python_modules").symlink_to(ROOT / "python_modules")
        with Measured(hello_project) as hello, Measured(ROOT, *flags) as ours:
            for turn in range(rounds + 1):  # the first one is for warming up
                for worker, kinds in ((hello, theirs), (ours, OURS)):
                    for name, request in kinds.items():
                        await worker.measure(name, request, requests)
                if turn == 0:
                    hello.forget()
                    ours.forget()
            report(hello, ours)


def report(hello: Measured, ours: Measured) -> None:
    base = hello.cost("hello")
    print(f"start  {ours.start:6.2f} s     {ours.start - hello.start:+5.2f} s   hello-world {hello.start:.2f} s")
    print(f"hello  {base:6.2f} ms" + f"{statistics.mean(hello.growths['hello']):50.0f} bytes")
    for name in OURS:
        alone = hello.cost(name) - base if name in hello.costs else 0.0
        above = ours.cost(name) - base
        line = f"{name:6} {ours.cost(name):6.2f} ms    {above:+5.2f} ms"
        parts = f"   calls {alone:+5.2f} ms   rest {above - alone:+5.2f} ms"
        print(line + parts + f"{statistics.mean(ours.growths[name]):9.0f} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["kv", "durable"], default="kv")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--var", action="append", default=[])
    arguments = parser.parse_args()
    asyncio.run(main(arguments.store, arguments.requests, arguments.rounds, arguments.var))
