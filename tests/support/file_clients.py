"""Clients that send and read files in small parts, over networks that fail."""

from collections.abc import Callable
from pathlib import Path

import httpx

from crypt_api import Client
from crypt_api.client.content import MAX_CONTENT_BYTES
from tests.support.platforms import Platform
from tests.support.transports import ManyAddresses

P = MAX_CONTENT_BYTES + 7_600
"""Bytes of files in a part of these tests: few, and too many for the message itself."""

Meddle = Callable[[int, httpx.Request, httpx.Response], httpx.Response]


class Meddling(ManyAddresses):
    """Notes requests, and lets a function fail, or answer otherwise, at each request about a part."""

    def __init__(self, platform: Platform, meddle: Meddle | None = None) -> None:
        super().__init__(platform)
        self.meddle = meddle or (lambda _number, _request, response: response)
        self.requests: list[str] = []
        self.parts: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_part = request.url.path.endswith("/part")
        self.requests.append(f"{request.method} {'part' if is_part else request.url.path[:3]}")
        response = super().handle_request(request)
        response.read()
        if is_part:
            self.parts.append(f"{request.method} {request.url.path}")
            return self.meddle(len(self.parts), request, response)
        return response

    def count(self, method: str) -> int:
        return sum(part.startswith(method) for part in self.parts)


def no_pause(_seconds: float) -> None:
    """The network of these tests does not get better by waiting."""


Connect = Callable[..., tuple[Client, Meddling]]


class Dribble:
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, count: int, /) -> bytes:
        count = min(count, 50_000)
        data, self._data = self._data[:count], self._data[count:]
        return data


def left_on_disk(platform: Platform) -> set[Path]:
    folder = platform.folder / "messages.db-files"
    return {path for path in folder.rglob("*") if path.is_file()} if platform.name == "server" else set()
