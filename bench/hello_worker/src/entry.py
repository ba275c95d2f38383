"""The smallest Python Worker, for `bench/worker.py` to compare with; and what a request asks of the platform, alone.

`/STORE/REQUEST/ID` makes the calls that the service makes for such a request, in the same order, and does nothing else.
"""

from asyncio import create_task
from typing import Any

from pyodide.ffi import create_proxy, to_js
from workers import DurableObject, Response, WorkerEntrypoint, import_from_javascript, python_to_rpc


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Response:
        path = request.js_object.url.split("/")[3:]
        if path[0]:
            await CALLS[path[0], path[1]](import_from_javascript("cloudflare:workers").env, path[2])
        return Response('"hello"')


async def call(env: Any, text: str) -> None:
    await env.CELLS.getByName("cell").look(text)


async def durable_create(env: Any, text: str) -> None:
    await env.CELLS.getByName("cell").write(text, "x" * 200)


async def durable_read(env: Any, text: str) -> None:
    await env.CELLS.getByName("cell").take(text)


async def kv_create(env: Any, text: str) -> None:
    await env.KV.put(text, to_js(b"x" * 116), expirationTtl=86_400)
    await env.CELLS.getByName("cell").write(text, "x" * 200)


async def kv_read(env: Any, text: str) -> None:
    await call(env, text)
    await env.KV.get(text, "arrayBuffer")
    await env.CELLS.getByName("cell").take_both(text)


CALLS: Any = {
    ("kv", "miss"): call,
    ("kv", "create"): kv_create,
    ("kv", "read"): kv_read,
    ("durable", "miss"): call,
    ("durable", "create"): durable_create,
    ("durable", "read"): durable_read,
}


class Cell(DurableObject):
    """A table."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._sql = python_to_rpc(ctx.storage).sql
        self._sql.exec("CREATE TABLE IF NOT EXISTS cells (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")

    async def write(self, name: str, value: str) -> None:
        await self.look(name)
        self._sql.exec("INSERT OR REPLACE INTO cells VALUES (?, ?)", name, value)

    async def look(self, name: str) -> None:
        self._sql.exec("SELECT value FROM cells WHERE name = ?", name).raw().toArray().to_py()

    async def take(self, name: str) -> None:
        await self.look(name)
        self._sql.exec("DELETE FROM cells WHERE name = ?", name)

    async def take_both(self, name: str) -> None:
        """Take the row, and delete the value in KV after the answer."""
        await self.take(name)
        workers = import_from_javascript("cloudflare:workers")
        task = create_task(self._delete(workers.env.KV, name))
        proxy = create_proxy(task)
        task.add_done_callback(lambda _: proxy.destroy())
        workers.waitUntil(proxy)

    async def _delete(self, namespace: Any, name: str) -> None:
        await namespace.delete(name)
