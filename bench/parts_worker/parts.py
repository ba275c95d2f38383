"""The Worker, and beside it each part of a request many times over, for `bench/worker_parts.py`.

`/-/part/PART/COUNT` does a part as often as that. It lies beside a copy of the Worker's `entry`.
"""

# ruff: noqa: SLF001 - the parts of an entry point are its own

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import js

import entry
from crypt_core.commands import Command, Create, Read
from crypt_core.http.types import Request, Response
from crypt_core.outcomes import Created, Missing, Outcome
from crypt_worker.payload_encryption import PayloadEncryption
from crypt_worker.request import _js_response
from crypt_worker.wire import to_wire

ClientCounters = entry.ClientCounters
MessageShard = entry.MessageShard
MESSAGE = "x" * 100
HEADERS = {"host": "x", "cf-connecting-ip": "192.0.2.1"}


class Default(entry.Default):
    async def fetch(self, request: Any) -> Any:
        _, _, part = request.js_object.url.partition("/-/part/")
        if not part:
            return await super().fetch(request)
        name, count = part.split("/")
        if name in IN_THE_OBJECT:
            await call("repeat", name, int(count))
        else:
            for _ in range(int(count)):
                await PARTS[name](request.js_object)
        return js.Response.new("0")


class DurableShard(entry.DurableShard):
    async def nothing(self) -> None:
        pass

    async def repeat(self, name: str, count: int) -> None:
        for _ in range(count):
            for command in IN_THE_OBJECT[name]:
                await self.apply("zzzzz", to_wire(command), None, "192.0.2.1", 1_000_000)


IN_THE_OBJECT: dict[str, list[Command]] = {
    "decide-nothing": [Read()],
    "decide-create-and-read": [Create(MESSAGE, 86_400), Read()],
}


class NoStore:
    """Answers at once, so that the application is measured alone."""

    async def apply(self, _: str, command: Command) -> Outcome:
        return Created(0.0) if isinstance(command, Create) else Missing()


async def body(text: str = "") -> AsyncIterator[bytes]:
    if text:
        yield text.encode()


async def read_nothing(_: Any) -> None:
    await entry._service().app.handle(Request("http", "GET", "/zzzzz", HEADERS, "192.0.2.1", body()), NoStore())


async def create(_: Any) -> None:
    content = body(f'{{"message": "{MESSAGE}"}}')
    await entry._service().app.handle(Request("http", "POST", "/", HEADERS, "192.0.2.1", content), NoStore())


async def read_headers(request: Any) -> None:
    entry._javascript().read_entries(request.headers)


async def respond(_: Any) -> None:
    _js_response(Response(200, MESSAGE.encode(), HEADERS), entry._javascript())


async def log(_: Any) -> None:
    entry._javascript().log('{"method": "GET", "route": "/{id}", "status": 200}')


async def call(method: str, *arguments: object) -> None:
    await getattr(entry._runtime().env.DURABLE_SHARDS.getByName("messages-0"), method)(*arguments)


async def call_nothing(_: Any) -> None:
    await call("nothing")


async def encrypt(_: Any) -> None:
    await PayloadEncryption(entry._javascript()).encrypt(MESSAGE)


PARTS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "application-read-nothing": read_nothing,
    "application-create": create,
    "headers": read_headers,
    "response": respond,
    "log": log,
    "encryption": encrypt,
    "call-of-an-object": call_nothing,
}
