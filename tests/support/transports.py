"""Transports from a client to a service: with another address for each request, and with faults."""

from typing import Any

import httpx

from tests.support.platforms import NO_TLS, Platform


class ManyAddresses(httpx.HTTPTransport):
    """Sends each request from another address, so that no rate limit applies."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(verify=NO_TLS)
        self._platform = platform

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[self._platform.address_header] = self._platform.next_address()
        return super().handle_request(request)


class Listening(ManyAddresses):
    """Remembers what it sends."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.said: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.said.append(f"{request.method} {request.url} {request.headers.raw}".encode() + request.read())
        return super().handle_request(request)


class ManyAddressesAsync(httpx.AsyncHTTPTransport):
    def __init__(self, platform: Platform) -> None:
        super().__init__(verify=NO_TLS)
        self._platform = platform

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers[self._platform.address_header] = self._platform.next_address()
        return await super().handle_async_request(request)


class Faulty(httpx.BaseTransport):
    """Delivers requests, and replaces or loses their answers, one fault for each request."""

    def __init__(self, platform: Platform, faults: list[Any]) -> None:
        self._real = ManyAddresses(platform)
        self.faults = faults
        self.requests: list[str] = []
        self.last: httpx.Request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.method)
        self.last = request
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        if isinstance(fault, Exception):
            raise fault
        response = self._real.handle_request(request)
        response.read()
        if fault == "lost":
            raise httpx.ReadError("connection reset")
        if fault == "interrupted":
            raise KeyboardInterrupt
        return response

    def close(self) -> None:
        self._real.close()
