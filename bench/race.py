"""How many readers a message gets if several ask at the same moment: this service, and others beside it.

script/bootstrap bench && .venv/bin/python -m bench.race [--messages 100] [--readers 8] [--record]
"""

import argparse
import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from bench import report, services
from bench.services import Service

Create = Callable[[httpx.AsyncClient, str], Awaitable[str]]
Read = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def create(client: httpx.AsyncClient, message: str) -> str:
    message_id: str = (await client.post("/", json={"message": message})).json()["id"]
    return f"/{message_id}"


async def read(client: httpx.AsyncClient, link: str) -> httpx.Response:
    return await client.get(link)


async def create_with_form(client: httpx.AsyncClient, message: str) -> str:
    page = (await client.post("/", data={"ttl": "Day", "password": message})).text
    links: list[str] = re.findall(r'value="https?://[^/]+(/snappass[^"]+)"', page)
    return links[0]


async def read_with_form(client: httpx.AsyncClient, link: str) -> httpx.Response:
    return await client.post(link)


SERVICES: dict[str, tuple[services.Start, Create, Read]] = {
    "crypt-api, SQLite": (services.crypt_api_sqlite, create, read),
    "FastAPI + Redis by hand": (services.fastapi_redis, create, read),
    "snappass, gunicorn": (services.snappass, create_with_form, read_with_form),
}


async def race(service: Service, make: Create, take: Read, messages: int, readers: int) -> Counter[int]:
    """Count the messages by how many of their readers got them."""
    counted: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=readers)
    async with httpx.AsyncClient(base_url=service.url, timeout=60, limits=limits) as client:
        for number in range(messages):
            message = f"a secret, number {number}."
            link = await make(client, message)
            answers = await asyncio.gather(*(take(client, link) for _ in range(readers)))
            counted[sum(message in answer.text for answer in answers)] += 1
    return counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--record", action="store_true", help="record the result, and write the table of the docs")
    options = parser.parse_args()
    races: dict[str, Counter[int]] = {}
    for name, (start, make, take) in SERVICES.items():
        with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as service:
            counted = asyncio.run(race(service, make, take, options.messages, options.readers))
        races[name] = counted
        told = ", ".join(f"{count} had {number}" for number, count in sorted(counted.items()))
        print(f"{name}: of {options.messages} messages with {options.readers} readers at once, {told}")
    if options.record:
        report.record(races=races, readers=options.readers)


if __name__ == "__main__":
    main()
