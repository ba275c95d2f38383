"""What the service does, counted for Prometheus. Never by id."""

import time
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from crypt_api.server.counters import DurationHistogram, LabelledCounter
from crypt_api.server.parts import ServerPartStore
from crypt_api.server.stores import ServerStore
from crypt_api.server.stores.reporting import Usage
from crypt_core.commands import Command
from crypt_core.http.errors import MethodNotAllowed, RouteNotFound, error_response
from crypt_core.http.types import Request, Response
from crypt_core.limits.guesses import is_guess
from crypt_core.outcomes import Answered, Created, Destroyed, Granted, Missing, Outcome, WrongPassphrase
from crypt_core.webhook import Result

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}
"""All other methods are `other`: a client's own word must not create a series, nor be in the log: it may be an id."""

MAX_CREATORS = 10_000
"""Series of people and tokens. Whoever else creates messages is counted as `other`: each series takes memory."""

REFUSALS = {401, 403, 429}


def known_method(method: str) -> str:
    """The method, if it is a usual one."""
    return method if method in METHODS else "other"


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = LabelledCounter("crypt_api_requests", "Requests answered", ("method", "route", "status"))
        self._seconds = DurationHistogram("crypt_api_request_seconds", "From a request's head to its answer", "route")
        self._store_seconds = DurationHistogram(
            "crypt_api_store_seconds", "Until the store has done a command", "command"
        )
        self._messages = LabelledCounter("crypt_api_messages", "What happened to messages", ("event",))
        for often in (self._requests, self._seconds, self._store_seconds, self._messages):
            self.registry.register(often)
        self._created_by = Counter(
            "crypt_api_messages_created_by",
            "Messages created with each token, and by each who had signed on",
            ["label"],
            registry=self.registry,
        )
        self._damaged = Counter(
            "crypt_api_damaged_records", "Records found that cannot be read", registry=self.registry
        )
        self._limited_alone = Counter(
            "crypt_api_requests_limited_alone",
            "Requests that this server counted alone, since the engine that counts for all did not answer",
            registry=self.registry,
        )
        self._creators: set[str] = set()
        self._webhook_events = LabelledCounter(
            "crypt_api_webhook_events", "Events for the webhook's receiver", ("result",)
        )
        for event in ("created", "answered", "read", "destroyed", "expired", "missed", "refused"):
            self._messages.add(event, count=0)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by its method, as `known_method` gives it, and its route's template."""
        self._requests.add(method, route, status)
        self._seconds.observe(route, seconds)
        if status in REFUSALS:
            self._messages.add("refused")

    def created_by(self, label: str) -> None:
        """Count a message by the label of its sender's token, or by who had signed on."""
        if len(self._creators) < MAX_CREATORS:
            self._creators.add(label)
        self._created_by.labels(label if label in self._creators else "other").inc()

    def watch(self, usage: Callable[[], Usage]) -> None:
        """Add the gauges of the store. `usage` is called at each scrape."""
        for name, text, value in (
            ("bytes", "Bytes that the store uses", lambda: usage().bytes),
            ("max_bytes", "Cap of the store in bytes; 0 is none", lambda: usage().max_bytes),
            ("share", "Part of the cap that is used, 0 to 1", lambda: usage().share),
            (
                "refuses",
                "1 while new messages are refused for want of room, all of them or the largest",
                lambda: usage().refuses != "",
            ),
            ("messages", "Messages in the store, or a number somewhat above", lambda: usage().messages),
        ):
            Gauge(f"crypt_api_storage_{name}", text, registry=self.registry).set_function(value)

    def watch_webhook(self, waiting: Callable[[], int]) -> None:
        """Add what there is to know of the webhook. `waiting` is called at each scrape."""
        Gauge(
            "crypt_api_webhook_waiting", "Events that wait for the webhook's receiver", registry=self.registry
        ).set_function(waiting)
        self.registry.register(self._webhook_events)
        for result in get_args(Result):
            self._webhook_events.add(result, count=0)

    def webhook_result(self, result: Result) -> None:
        """Count an event of the webhook by what became of it."""
        self._webhook_events.add(result)

    def watch_files(self, parts: ServerPartStore) -> None:
        """Add the gauges of the parts of files. `parts.usage` is asked at each scrape."""
        for name, text, value in (
            ("bytes", "Bytes that parts of files use", lambda: parts.usage.bytes),
            ("max_bytes", "Cap of the parts in bytes; 0 is none", lambda: parts.usage.max_bytes),
            ("refuses", "1 while new parts are refused for want of room", lambda: parts.usage.refuses != ""),
        ):
            Gauge(f"crypt_api_files_{name}", text, registry=self.registry).set_function(value)

    def damaged(self) -> None:
        """Count a record that cannot be read."""
        self._damaged.inc()

    def limited_alone(self) -> None:
        """Count a request that was counted by this server alone, and not over all servers."""
        self._limited_alone.inc()

    def expired(self, count: int) -> None:
        """Count messages that nobody read in time."""
        self._messages.add("expired", count=count)

    def decided(self, message_id: str, command: Command, outcome: Outcome) -> None:
        """Count what a command did. Many misses are a sign of guessing."""
        match outcome:
            case Missing():
                if is_guess(message_id, command):
                    self._messages.add("missed")
            case Created():
                self._messages.add("created")
            case Answered():
                self._messages.add("answered")
            case Granted():
                self._messages.add("read")
            case Destroyed() | WrongPassphrase(tries_left=0):
                self._messages.add("destroyed")

    def store_took(self, command: Command, seconds: float) -> None:
        self._store_seconds.observe(type(command).__name__, seconds)


def metrics_response(metrics: Metrics, request: Request) -> Response:
    """Answer a request to the address of the metrics. Every path but `/-/metrics` and `/metrics` is unknown there."""
    if request.path not in ("/-/metrics", "/metrics"):
        return error_response(RouteNotFound())
    if request.method not in ("GET", "HEAD"):
        return error_response(MethodNotAllowed(("GET", "HEAD")))
    return Response(200, generate_latest(metrics.registry), {"Content-Type": CONTENT_TYPE_LATEST})


class MeteredStore:
    """A store whose commands are timed and counted."""

    def __init__(self, store: ServerStore, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def connect(self) -> None:
        await self._store.connect()

    async def apply(self, message_id: str, command: Command) -> Outcome:
        started = time.perf_counter()
        try:
            outcome = await self._store.apply(message_id, command)
        finally:
            self._metrics.store_took(command, time.perf_counter() - started)
        self._metrics.decided(message_id, command, outcome)
        return outcome

    @property
    def usage(self) -> Usage:
        return self._store.usage

    def close(self) -> None:
        self._store.close()
