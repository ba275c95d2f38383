"""What Cloudflare calls: the Worker and its Durable Objects."""

from collections.abc import Coroutine
from functools import cache
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js
from workers import DurableObject, WorkerEntrypoint, import_from_javascript, python_to_rpc

from crypt_core.events import OnEvent
from crypt_worker.background import go_on_after_response
from crypt_worker.javascript import JavaScript
from crypt_worker.kv_payloads import KvPayloads
from crypt_worker.payload_encryption import PayloadEncryption
from crypt_worker.rate_limit import Counters
from crypt_worker.request import answer
from crypt_worker.service import Service, open_service
from crypt_worker.shard import Shard
from crypt_worker.variables import Variables
from crypt_worker.webhook import open_webhook


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Any) -> Any:
        return await answer(request.js_object, _javascript(), _service)


class MessageShard(DurableObject):
    """One of the shards of the store `kv`: its records have the keys of payloads."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._shard = Shard(python_to_rpc(ctx.storage), _payloads(), in_background, on_event=_on_event())

    async def apply(
        self, message_id: str, command: str, fetched_key: str | None, client: str = "", misses_per_hour: int = 0
    ) -> str:
        return await self._shard.apply(message_id, command, fetched_key, client, misses_per_hour)

    async def alarm(self, alarm_info: Any = None) -> None:  # noqa: ARG002
        await self._shard.sweep()


class DurableShard(DurableObject):
    """One of the shards of the store `durable`: its records have the messages themselves."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._shard = Shard(python_to_rpc(ctx.storage), None, in_background, on_event=_on_event())

    async def apply(self, message_id: str, command: str, _: None, client: str = "", misses_per_hour: int = 0) -> str:
        return await self._shard.apply(message_id, command, None, client, misses_per_hour)

    async def alarm(self, alarm_info: Any = None) -> None:  # noqa: ARG002
        await self._shard.sweep()


class ClientCounters(DurableObject):
    """One of the objects that count the requests of clients, with `RATE_LIMIT_SCOPE = "global"`. It stores nothing."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._counters = Counters()

    async def admit(self, client: str, limit: int) -> str:
        return await self._counters.admit(client, limit)


@cache
def _service() -> Service:
    """The isolate's service. The first request opens them: the clock and randomness work from then on."""
    return open_service(_runtime().env, _payloads, _javascript())


def _runtime() -> Any:
    """The runtime as JavaScript has it: through the SDK's own `env`, every buffer would be copied into Python."""
    return import_from_javascript("cloudflare:workers")


@cache
def _javascript() -> JavaScript:
    return JavaScript(
        to_js,
        js.Object.fromEntries,
        js.JSON.stringify,
        js.JSON.parse,
        js.Response.new,
        js.console.log,
        js.crypto.subtle,
    )


def _payloads() -> KvPayloads:
    return KvPayloads(_runtime().env.MESSAGES, PayloadEncryption(_javascript()))


@cache
def _on_event() -> OnEvent:
    webhook = Variables.from_env(_runtime().env).settings.webhook
    return open_webhook(webhook, _javascript(), js.fetch, js.AbortSignal.timeout, in_background)


def in_background(work: Coroutine[Any, Any, None]) -> None:
    go_on_after_response(work, _runtime().waitUntil, create_proxy)
