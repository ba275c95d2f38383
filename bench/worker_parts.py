"""Where the Worker's processor time goes: each part of a request by itself, many times over, in the real runtime.

.venv/bin/python -m bench.worker_parts [--count 2000] [--rounds 3]
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
from pathlib import Path

from bench.worker import Measured
from tests.support.platforms import ROOT, Connection
from tests.support.processes import cpu_seconds

PARTS = (
    "application-read-nothing",
    "application-create",
    "headers",
    "response",
    "log",
    "encryption",
    "call-of-an-object",
    "decide-nothing",
    "decide-create-and-read",
)


async def main(count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copytree(ROOT / "src", project / "src")
        shutil.copy(ROOT / "bench/parts_worker/parts.py", project / "src")
        config = (ROOT / "wrangler.toml").read_text().replace("src/entry.py", "src/parts.py")
        (project / "wrangler.toml").write_text(config)
        (project / "crypt_api").symlink_to(ROOT / "crypt_api")
        (project / "python_modules").symlink_to(ROOT / "python_modules")
        with Measured(project, "--var", "RATE_LIMIT_PER_SECOND:100000", "--var", "MISSES_PER_HOUR:1000000") as worker:
            for part in PARTS:
                await measure(worker, part, 20)  # for warming up
                costs = [await measure(worker, part, count) for _ in range(rounds)]
                print(f"{part:26} {statistics.median(costs):6.3f} ms", flush=True)


async def measure(worker: Measured, part: str, count: int) -> float:
    """Milliseconds of processor time that a part takes."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", worker.port), "CF-Connecting-IP")
    before = cpu_seconds(worker.runtime)
    status, _ = await connection.ask("GET", f"/-/part/{part}/{count}")
    connection.close()
    if status != 200:  # noqa: PLR2004
        raise RuntimeError(worker.output)
    return (cpu_seconds(worker.runtime) - before) / count * 1_000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.count, arguments.rounds))
