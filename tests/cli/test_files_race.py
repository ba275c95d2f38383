"""Many readers of one message with files: one of them gets the key, and so the files."""

import asyncio
import os
from pathlib import Path

from crypt_api import AsyncClient, Client, errors
from tests.support.platforms import Platform

READERS = 16


async def test_one_of_many_readers_gets_the_files(unlimited_server: Platform, tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(600_000))  # more than fits beside a text
    with Client(unlimited_server.url) as client:
        link = client.send(files=[file]).link

    async def read(number: int) -> bytes | None:
        async with AsyncClient(unlimited_server.url) as client:
            try:
                message = await client.read(link)
            except errors.NotFound:
                return None
            [received] = message.files
            return (await received.save(tmp_path / str(number))).read_bytes()

    results = await asyncio.gather(*map(read, range(READERS)))
    assert [data for data in results if data is not None] == [file.read_bytes()]
