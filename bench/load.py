"""Load from `wrk`, and what it cost the service."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.services import Service
from tests.support.processes import cpu_seconds

SCENARIOS = Path(__file__).parent / "scenarios"


class Scenario(NamedTuple):
    """What the clients do.

    Attributes:
        name: Of the Lua script.
        size: Bytes of a message.
    """

    name: str
    size: int = 100

    def __str__(self) -> str:
        return self.name if self.size == Scenario("").size else f"{self.name}, {self.size // 1024} KB"


class Result(NamedTuple):
    """One run.

    Attributes:
        rate: Requests a second.
        cpu: Microseconds of CPU that a request costs the service and its engine.
        p50: Milliseconds that half of the requests take at most.
        p99: Milliseconds that 99 of 100 requests take at most.
        slowest: Milliseconds of the slowest request.
    """

    rate: float
    cpu: float
    p50: float
    p99: float
    slowest: float


def run(service: Service, scenario: Scenario, connections: int, seconds: float) -> Result:
    """Put the service under load.

    Raises:
        RuntimeError: wrk is not there, or nothing was answered.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is needed; Debian and Ubuntu have it: apt install wrk")
    script = SCENARIOS / f"{service.scripts.get(scenario.name, scenario.name)}.lua"
    joined = SCENARIOS / "common.lua"
    before = sum(cpu_seconds(pid) for pid in service.pids)
    command = [wrk, f"-c{connections}", "-t1", f"-d{max(round(seconds), 1)}s", "--timeout=30s", "-s", str(joined)]
    output = subprocess.run(  # noqa: S603
        [*command, service.url, "--", str(scenario.size), str(script)], capture_output=True, text=True, check=False
    )
    used = sum(cpu_seconds(pid) for pid in service.pids) - before
    found = [line for line in output.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        raise RuntimeError(f"wrk failed: {output.stdout}{output.stderr}")
    counted = json.loads(found[0].removeprefix("RESULT "))
    if not counted["requests"]:
        raise RuntimeError(f"{service.name}, {scenario}: nothing was answered")
    if counted["broken"] or (counted["refused"] and scenario.name not in ("miss", "lease", "limited")):
        faults = f"{counted['broken']} connections broke, {counted['refused']} requests were refused"
        print(f"{service.name}, {scenario}, {connections} connections: {faults}", file=sys.stderr)
    requests = counted["requests"]
    return Result(
        rate=1e6 * requests / counted["microseconds"],
        cpu=1e6 * used / requests,
        p50=counted["p50"] / 1_000,
        p99=counted["p99"] / 1_000,
        slowest=counted["max"] / 1_000,
    )
