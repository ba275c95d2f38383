"""The CPU that a request costs, and requests a second over HTTP, beside other services in the same run.

Each round starts every service anew, one after the other, so that what disturbs the machine disturbs all of them. CPU
can be compared between runs, and rates less: they depend on what else the machine does.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from bench import report, services
from bench.load import Result, Scenario, run
from bench.report import Row

DOCS = Path(__file__).parent.parent / "docs/images"

OURS = (
    Scenario("constant"),
    Scenario("create"),
    Scenario("pair"),
    Scenario("miss"),
    Scenario("sealed", 4_200),
    Scenario("lease"),
    Scenario("create", 102_400),
)
PEERS = (Scenario("create"), Scenario("pair"))

SERVICES: Mapping[str, tuple[services.Start, tuple[Scenario, ...]]] = {
    "constant": (services.constant, (Scenario("constant"),)),
    "sqlite": (services.crypt_api_sqlite, OURS),
    "limited": (services.crypt_api_limited, (Scenario("limited"),)),
    "valkey": (services.crypt_api_valkey, OURS),
    "memory": (services.crypt_api_memory, PEERS),
    "fastapi": (services.fastapi_redis, PEERS),
    "snappass": (services.snappass, PEERS),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--services", nargs="+", choices=[*SERVICES], default=[*SERVICES])
    parser.add_argument("--check", action="store_true", help="fail if a request costs much more CPU than recorded")
    parser.add_argument(
        "--record", action="store_true", help="record the result, write the tables, and draw the plot of the docs"
    )
    options = parser.parse_args()
    chosen = list(dict.fromkeys(["constant", *options.services]))

    print(f"this server: {report.interpreter()}", file=sys.stderr)
    measured: dict[tuple[str, str, int], list[Result]] = {}
    for number in range(options.rounds):
        for name in chosen:
            print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
            for service, scenario, connections, result in _round(name, options.connections, options.seconds):
                measured.setdefault((service, str(scenario), connections), []).append(result)

    rows = [Row.of(*load, results) for load, results in measured.items()]
    print(report.table(rows), end="")
    if options.record:
        report.record(rows=rows)
        report.plot(report.recorded(), DOCS)
    worse = report.worse(rows) if options.check else []
    for line in worse:
        print(line, file=sys.stderr)
    return 1 if worse else 0


def _round(name: str, connections: list[int], seconds: float) -> list[tuple[str, Scenario, int, Result]]:
    start, scenarios = SERVICES[name]
    results = []
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as service:
            httpx.get(service.url)  # some services do much of their start with the first request
            results += [
                (service.name, scenario, number, run(service, scenario, number, seconds)) for number in connections
            ]
    return results


if __name__ == "__main__":
    sys.exit(main())
