"""The server's side of the webhook: events come from any thread, and are delivered beside the requests."""

import asyncio
import logging
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import urlsplit

from crypt_core.events import Event
from crypt_core.webhook import ATTEMPT_SECONDS, Deliveries, Result, Webhook

logger = logging.getLogger(__name__)

WAITS = (2.0, 10.0, 60.0, 300.0)
"""Seconds between the attempts: a receiver may be away for six minutes."""

LOOK_SECONDS = 0.1
"""Between two looks for new events. To wake the event loop for each would slow down the thread that commits."""

END_SECONDS = 5.0
"""How long a server that stops waits for attempts."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: .*)?\r?\n")


class ServerWebhook:
    """Delivers events on the event loop on which `connect` was called. Events that come before wait for that."""

    def __init__(self, webhook: Webhook, on_result: Callable[[Result], object]) -> None:
        """`on_result` counts events. It is called on the event loop."""
        _trusted_certificates()
        self._deliveries = Deliveries(webhook, post, WAITS, on_result=on_result)
        self._new: deque[Event] = deque()
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many events wait for their delivery."""
        return self._deliveries.waiting

    def connect(self) -> None:
        """Deliver on the event loop that runs."""
        self._looking = asyncio.ensure_future(self._look_for_ever())

    def happened(self, event: Event) -> None:
        """Have the event delivered. Any thread may call this, and it returns at once: it wakes nobody."""
        self._new.append(event)

    async def _look_for_ever(self) -> None:
        while True:
            self._start()
            await asyncio.sleep(LOOK_SECONDS)

    def _start(self) -> None:
        while self._new:
            event = self._new.popleft()
            if self._deliveries.is_full:  # without the cost of a task: there may be thousands a second
                self._deliveries.drop()
                continue
            task = asyncio.ensure_future(self._deliveries.deliver(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Give what is under way a little time. What has not arrived then is lost."""
        if self._looking is not None:
            self._looking.cancel()
        self._start()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_SECONDS)
        if self._tasks:
            logger.warning("%d events of the webhook are lost: the server ends", len(self._tasks))
        for task in self._tasks:
            task.cancel()


async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Send a `POST` and give the status. Of the response, nothing but that is read, and no redirect is followed.

    Raises:
        OSError: The receiver cannot be reached, or its certificate is not valid.
        TimeoutError: It took longer than `ATTEMPT_SECONDS`, the response's status included.
        ValueError: It does not speak HTTP.
    """
    parts = urlsplit(url)
    tls = _trusted_certificates() if parts.scheme == "https" else None
    async with asyncio.timeout(ATTEMPT_SECONDS):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls)
        try:
            fields = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body)), **headers}
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            writer.write(f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
            return await _status(reader)
        finally:
            writer.transport.abort()


@cache
def _trusted_certificates() -> ssl.SSLContext:
    """They are read at the start: it takes so long that requests would wait for it."""
    return ssl.create_default_context()


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the response, after interim responses such as 103."""
    while True:
        match = _STATUS_LINE.fullmatch(await reader.readline())
        if match is None:
            raise ValueError("no HTTP")
        if not match[1].startswith(b"1"):
            return int(match[1])
        await reader.readuntil(b"\r\n\r\n")
