"""The memory that messages take of an engine, for each message of a kind.

    .venv/bin/python -m bench.valkey_memory [--messages 20000]

`docs/operations.md` has the figures.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from crypt_api.client.content import VERSION
from crypt_api.client.sealing import NONCE_BYTES, STEP, TAG_BYTES
from crypt_api.server.stores.valkey.store import ValkeyStore
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.commands import Command, Create, Read
from crypt_core.record import AccessHashes
from tests.support.valkey import Engine

DAY = 86_400  # seconds
DIGEST = "A" * 43
PLAIN = Create("correct horse battery staple 31", DAY)
ENVELOPE = "A" * ((len(VERSION) + NONCE_BYTES + STEP + TAG_BYTES) * 4 // 3)
SEALED = Create(ENVELOPE, DAY, AccessHashes(DIGEST), 1, DIGEST)
READ = Read()
READ_SEALED = Read(DIGEST)
KINDS: Sequence[tuple[str, Sequence[Command], Callable[[int], str]]] = (
    ("plain, 31 characters", [PLAIN], "{:08}".format),
    ("plain, 1,000 characters", [Create("x" * 1_000, DAY)], "{:08}".format),
    ("sealed, one step of padding", [SEALED], "{:022}".format),
    ("sealed, read: its tombstone", [SEALED, READ_SEALED], "{:022}".format),
    ("plain, read: its marker, for a minute", [PLAIN, READ], "{:08}".format),
)


async def apply_all(store: ValkeyStore, commands: Sequence[Command], ids: Sequence[str]) -> None:
    async def work(some: Sequence[str]) -> None:
        for message_id in some:
            for command in commands:
                await store.apply(message_id, command)

    await store.apply("connect", READ)
    await asyncio.gather(*(work(ids[start::256]) for start in range(256)))
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    count = parser.parse_args().messages
    for name, commands, name_of in KINDS:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, Engine(Path(folder)) as engine:
            with engine.client as client:
                client.config_set("maxmemory", "4gb")
                before = client.info("memory")["used_memory"]
                uvloop.run(apply_all(ValkeyStore(parse_url(engine.url)), commands, [name_of(n) for n in range(count)]))
                used = client.info("memory")["used_memory"] - before
            print(f"{name:40} {used / count:7,.0f} bytes", flush=True)


if __name__ == "__main__":
    main()
