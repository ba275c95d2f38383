"""Several servers on one engine: the CPU that a request costs a server, and what it costs the engine.

script/bootstrap bench && .venv/bin/python -m bench.servers [--servers 1 2] [--rounds 5]

From both follows how many servers fill the engine's core: an engine does its work in one thread.
"""

import argparse
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.load import Scenario, run
from bench.services import Service
from tests.support.platforms import start_server
from tests.support.processes import cpu_seconds
from tests.support.valkey import Engine

LOADS = (Scenario("create"), Scenario("pair"))


class Cost(NamedTuple):
    """Microseconds of CPU that a request costs a server, and its engine."""

    server: float
    engine: float


def measure(servers: int, scenario: Scenario, connections: int, seconds: float) -> Cost:
    """Start the engine and its servers anew, and put all servers under load at once."""
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder)) as engine, ExitStack() as stack:
        options = ("--rate-limit-per-second=0", f"--store={engine.url}")
        started = [stack.enter_context(start_server(*options)) for _ in range(servers)]
        services = [Service("a server", process.url, [process.pid]) for process in started]
        before = cpu_seconds(engine.pid)
        with ThreadPoolExecutor(servers) as pool:
            results = list(pool.map(lambda service: run(service, scenario, connections, seconds), services))
        used = cpu_seconds(engine.pid) - before
        requests = sum(result.rate for result in results) * seconds
        return Cost(statistics.mean(result.cpu for result in results), 1e6 * used / requests)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.servers", description=__doc__)
    parser.add_argument("--servers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 128], help="of each server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    options = parser.parse_args()
    cases = [(n, load, count) for load in LOADS for count in options.connections for n in options.servers]
    rounds = [[measure(*case, options.seconds) for case in cases] for _ in range(options.rounds)]
    print("| servers | load | connections of each | CPU µs of a server | of the engine | servers that fill its core |")
    print("|---:|---|---:|---:|---:|---:|")
    for (servers, load, connections), costs in zip(cases, zip(*rounds, strict=True), strict=True):
        shown = [f"{statistics.median(one):.0f} ({min(one):.0f} to {max(one):.0f})" for one in zip(*costs, strict=True)]
        filling = statistics.median(cost.server / cost.engine for cost in costs)
        print(f"| {servers} | {load} | {connections} | {' | '.join(shown)} | {filling:.0f} |")


if __name__ == "__main__":
    main()
