"""What the Worker costs beside the smallest Python Worker: processor time, start and memory, on the same runtime.

    .venv/bin/python -m bench.worker [--requests 200] [--rounds 5] [--var STORE:durable] ...

The two take turns, so that a busy machine slows both. Requests come one after the other, on one connection.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.support.platforms import NODE, ROOT, Connection, Process
from tests.support.processes import cpu_seconds, memory_now

Request = Callable[[Connection], Awaitable[None]]


class Measured(Process):
    """A Worker, and the process of its runtime."""

    def __init__(self, project: Path, *flags: str) -> None:
        super().__init__([str(NODE), "tools/workerd/serve.mjs", "--port=0", f"--project={project}", *flags])
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


async def main(requests: int, rounds: int, flags: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        hello_project = Path(folder) / "hello"
        shutil.copytree(ROOT / "bench/hello_worker", hello_project)
        (hello_project / "python_modules").symlink_to(ROOT / "python_modules")
        with Measured(hello_project) as hello, Measured(ROOT, *flags) as ours:
            for turn in range(rounds + 1):  # the first one is for warming up
                await hello.measure("hello", get_hello, requests)
                for name, request in (("health", get_health), ("miss", miss), ("create", create), ("read", read)):
                    await ours.measure(name, request, requests)
                if turn == 0:
                    hello.costs, ours.costs, hello.growths, ours.growths = {}, {}, {}, {}
            report(hello, ours)


def report(hello: Measured, ours: Measured) -> None:
    [base] = hello.costs.values()
    [growth] = hello.growths.values()
    print(f"start   {ours.start:6.2f} s      {ours.start - hello.start:+5.2f} s   hello-world {hello.start:.2f} s")
    print(f"hello   {statistics.median(base):6.2f} ms                 {statistics.mean(growth):8.0f} bytes")
    for name, costs in ours.costs.items():
        cost = statistics.median(costs)
        above = cost - statistics.median(base)
        print(f"{name:7} {cost:6.2f} ms     {above:+5.2f} ms   {statistics.mean(ours.growths[name]):8.0f} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--var", action="append", default=[])
    arguments = parser.parse_args()
    variables = [part for variable in arguments.var for part in ("--var", variable)]
    asyncio.run(main(arguments.requests, arguments.rounds, variables))
