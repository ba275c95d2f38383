"""The Worker's side of the webhook: a Durable Object tells of what has happened in it, after its response."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from crypt_core.events import Event, OnEvent, ignore
from crypt_core.webhook import ATTEMPT_SECONDS, Deliveries, Webhook
from crypt_worker.javascript import JavaScript

WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts: an object without requests is taken out of memory soon, and so is what waits."""


def open_webhook(
    webhook: Webhook | None,
    javascript: JavaScript,
    fetch: Callable[[str, Any], Awaitable[Any]],
    abort_after: Callable[[int], Any],
    in_background: Callable[[Coroutine[Any, Any, None]], object],
) -> OnEvent:
    """What an object hands its events to.

    Args:
        webhook: The operator's receiver; None without one.
        javascript: The runtime's functions.
        fetch: The runtime's `fetch`.
        abort_after: The runtime's `AbortSignal.timeout`, which takes milliseconds.
        in_background: Lets work go on after the response.
    """
    if webhook is None:
        return ignore

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        options = javascript.to_object({"method": "POST", "headers": dict(headers), "redirect": "manual"})
        options.body = javascript.to_js(body)
        options.signal = abort_after(int(ATTEMPT_SECONDS * 1_000))
        response = await fetch(url, options)
        if response.body:
            await response.body.cancel()
        return int(response.status)

    deliveries = Deliveries(webhook, post, WAITS)

    def happened(event: Event) -> None:
        in_background(deliveries.deliver(event))

    return happened
