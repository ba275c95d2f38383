"""The operator's webhook: one receiver, which is told of events. Requests are signed as Standard Webhooks says.

Only the operator names the receiver, so no sender can have the service call an address. A request has the event, the
sender's reference and the time, and nothing by which a message could be found or opened.
"""

import asyncio
import base64
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from crypt_core import __version__
from crypt_core.events import Event
from crypt_core.http.types import timestamp
from crypt_core.setting_values import SettingsError

logger = logging.getLogger(__name__)

MAX_REFERENCE_LENGTH = 64

MAX_WAITING = 1_000
"""Events that wait for their delivery at a time, those between two attempts included. Any more are dropped."""

MAX_ATTEMPTS_AT_A_TIME = 4

ATTEMPT_SECONDS = 10.0
"""How long one attempt may take."""

_REFERENCE = re.compile(rf"[!-~]{{1,{MAX_REFERENCE_LENGTH}}}")
_VISIBLE = re.compile("[!-~]+")
_SECRET = re.compile(r"whsec_([A-Za-z0-9+/]+={0,2})")
_SECRET_BYTES = range(24, 65)
"""As Standard Webhooks has it."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Sends a `POST` to the URL, with the headers and the body, and gives the status. It follows no redirect, and ends
within `ATTEMPT_SECONDS`. Whatever it raises is a failed attempt."""

Result = Literal["delivered", "failed", "dropped"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """The receiver. Neither of its attributes is ever shown: a path may be a secret, too.

    Attributes:
        url: Where events go.
        key: The key of the signatures.
    """

    url: str = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, url: str, secret: str) -> "Webhook":
        """Take the operator's settings.

        Raises:
            SettingsError: One of them cannot be used. Neither is quoted.
        """
        url = url.strip()
        if not _is_url(url):
            raise SettingsError("WEBHOOK must be a URL such as https://example.org/hook")
        if "@" in urlsplit(url).netloc:
            raise SettingsError("WEBHOOK must have no user and no password: the signature shows who calls")
        match = _SECRET.fullmatch(secret.strip())
        try:
            key = base64.b64decode(match[1], validate=True) if match else b""
        except ValueError:
            key = b""
        if len(key) not in _SECRET_BYTES:
            raise SettingsError("the secret of WEBHOOK must be whsec_ and the base64 of 24 to 64 random bytes")
        return cls(url, key)

    def headers(self, event_id: str, body: bytes, now: float) -> dict[str, str]:
        """The headers of a request at `now` (Unix time in seconds), with its signature."""
        sent_at = str(int(now))
        signed = b".".join((event_id.encode(), sent_at.encode(), body))
        signature = base64.b64encode(hmac.digest(self.key, signed, "sha256")).decode()
        return {
            "Content-Type": "application/json",
            "User-Agent": f"crypt-api/{__version__}",
            "webhook-id": event_id,
            "webhook-timestamp": sent_at,
            "webhook-signature": f"v1,{signature}",
        }


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or the address
        return False
    return is_complete and _VISIBLE.fullmatch(text) is not None and "#" not in text


def is_reference(value: object) -> bool:
    """Whether a sender may use it: visible ASCII characters, up to `MAX_REFERENCE_LENGTH`."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


class Deliveries:
    """Delivers events, each on its own: one that fails delays no other. It keeps nothing over the end of the program.

    Attributes:
        waiting: How many events wait for their delivery.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        webhook: Webhook,
        post: Post,
        waits: Sequence[float],
        *,
        on_result: Callable[[Result], object] = lambda _: None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`waits` are the seconds between the attempts, so there is one attempt more; `on_result` counts events."""
        self.waiting = 0
        self._webhook = webhook
        self._post = post
        self._waits = waits
        self._on_result = on_result
        self._sleep = sleep
        self._clock = clock
        self._has_complained = False
        self._turns = asyncio.Semaphore(MAX_ATTEMPTS_AT_A_TIME)

    @property
    def is_full(self) -> bool:
        """Whether the next event is dropped."""
        return self.waiting >= MAX_WAITING

    def drop(self) -> None:
        """Count an event that nobody will be told of."""
        self._complain("events are dropped: too many wait")
        self._on_result("dropped")

    async def deliver(self, event: Event) -> None:
        """Deliver the event, or give up after the last attempt."""
        if self.is_full:
            self.drop()
            return
        self.waiting += 1
        try:
            self._on_result("delivered" if await self._is_delivered(event) else "failed")
        finally:
            self.waiting -= 1

    async def _is_delivered(self, event: Event) -> bool:
        event_id = f"msg_{secrets.token_urlsafe(16)}"  # the receiver knows a repeated one by it
        fields = {"event": event.kind, "reference": event.reference, "at": timestamp(event.at)}
        body = json.dumps(fields).encode()
        for wait in (0.0, *self._waits):
            if wait:
                await self._sleep(wait)
            try:
                async with self._turns:
                    headers = self._webhook.headers(event_id, body, self._clock())
                    status = await self._post(self._webhook.url, headers, body)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next attempt comes
                trouble = type(error).__name__  # its text may quote the URL
            else:
                if 200 <= status < 300:  # noqa: PLR2004
                    self._has_complained = False
                    return True
                trouble = f"status {status}"
            self._complain(f"its receiver does not take an event: {trouble}")
        return False

    def _complain(self, trouble: str) -> None:
        """Log the first trouble, until an event is delivered."""
        if not self._has_complained:
            logger.warning("the webhook is in trouble: %s", trouble)
        self._has_complained = True
