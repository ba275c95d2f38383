"""Sends single requests, through the proxy that the environment names, and within the limits of `limits.py`.

Redirects are not followed and cookies are not kept: the service has neither.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, Generic, TypeVar

import httpx

from crypt_api.client.environment import Proxy, proxy_for, trusted_certificates
from crypt_api.client.errors import InvalidEnvironment
from crypt_api.client.limits import Exchange, TimedBackend, current_exchange

TIMEOUT = 30.0
"""Seconds that a connection may be silent."""

PROXY_VARIABLE = "proxy_variable"
"""The extension of a request that went through a proxy: the name of the variable that has the proxy's address."""

TransportT = TypeVar("TransportT")

_Owner = tuple[int, asyncio.AbstractEventLoop | None]


class _Transports(Generic[TransportT]):
    """The transports of a client: the given one for all addresses, or one for each proxy and scheme.

    A process and an event loop have their own: after a fork, two processes that use one connection get each other's
    responses, and so each other's messages; a connection of another event loop fails after the service was asked.
    """

    def __init__(self, given: TransportT | None, make: Callable[[str | None, SSLContext], TransportT]) -> None:
        self._given = given
        self._make = make
        self._made: dict[tuple[_Owner, Proxy | None, str], TransportT] = {}

    def of(self, request: httpx.Request, loop: asyncio.AbstractEventLoop | None = None) -> TransportT:
        """Give the transport for the request, and note in the request which variable names the proxy."""
        if self._given is not None:
            return self._given
        proxy = proxy_for(request.url)
        if proxy:
            request.extensions[PROXY_VARIABLE] = proxy.variable
        key = (os.getpid(), loop), proxy, request.url.scheme
        if (transport := self._made.get(key)) is None:
            self._forget_ended()
            # To read all trusted certificates takes a while, and http needs none.
            is_https = request.url.scheme == "https"
            certificates = trusted_certificates() if is_https else SSLContext(PROTOCOL_TLS_CLIENT)
            try:
                transport = self._made[key] = self._make(proxy.url if proxy else None, certificates)
            except ImportError:
                raise InvalidEnvironment("The environment names a SOCKS proxy, which needs httpx[socks].") from None
        return transport

    def own(self, loop: asyncio.AbstractEventLoop | None = None) -> list[TransportT]:
        """Those of this process and event loop."""
        made = list(self._made.items())
        own = [transport for (owner, *_), transport in made if owner == (os.getpid(), loop)]
        return own if self._given is None else [self._given]

    def _forget_ended(self) -> None:
        """A program may start one event loop after the other."""
        for key in list(self._made):
            if (loop := key[0][1]) is not None and loop.is_closed():
                self._made.pop(key, None)


class Connections:
    """Blocking connections to services."""

    def __init__(self, transport: httpx.BaseTransport | None = None, timeout: float = TIMEOUT) -> None:
        """`timeout` is the seconds that a connection may be silent, for requests that say nothing else."""
        self._timeout = httpx.Timeout(timeout).as_dict()
        self._transports = _Transports[httpx.BaseTransport](transport, _timed_transport)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send the request, and give the whole response.

        Raises:
            RequestError: There is no response; `NotThisService` if it was too large or too slow.
            InvalidEnvironment: The environment names a proxy or certificates that cannot be used.
        """
        request.extensions.setdefault("timeout", self._timeout)
        exchange = Exchange(request)
        before = current_exchange.set(exchange)
        try:
            response = self._transports.of(request).handle_request(request)
            try:
                exchange.begin(response)
                if not response.is_stream_consumed:
                    for chunk in response.iter_raw():
                        exchange.take(chunk)
            finally:
                response.close()
        finally:
            current_exchange.reset(before)  # it has the proof and the response
        return exchange.end(response)

    def get(self, url: str, headers: Mapping[str, str], silence: float = 30.0) -> httpx.Response:
        """Send a GET with these headers; see `send`. `silence` is in seconds."""
        timeout = {"timeout": httpx.Timeout(silence).as_dict()}
        return self.send(httpx.Request("GET", url, headers=headers, extensions=timeout))

    def close(self) -> None:
        for transport in self._transports.own():
            transport.close()


class AsyncConnections:
    """The same as `Connections`, for asyncio."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, timeout: float = TIMEOUT) -> None:
        self._timeout = httpx.Timeout(timeout).as_dict()
        self._transports = _Transports[httpx.AsyncBaseTransport](transport, _async_transport)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """See `Connections.send`."""
        request.extensions.setdefault("timeout", self._timeout)
        exchange = Exchange(request)
        transport = self._transports.of(request, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(exchange.seconds_left()) as deadline:
                response = await transport.handle_async_request(request)
                try:
                    exchange.begin(response)
                    if not response.is_stream_consumed:
                        async for chunk in response.aiter_raw():
                            exchange.take(chunk)
                            deadline.reschedule(asyncio.get_running_loop().time() + exchange.seconds_left())
                finally:
                    await response.aclose()
        except TimeoutError:
            raise exchange.too_slow() from None
        return exchange.end(response)

    async def close(self) -> None:
        for transport in self._transports.own(asyncio.get_running_loop()):
            await transport.aclose()


def _timed_transport(proxy: str | None, certificates: SSLContext) -> httpx.BaseTransport:
    transport = httpx.HTTPTransport(proxy=proxy, verify=certificates, trust_env=False)
    pool: Any = transport._pool  # noqa: SLF001 - httpx has no other way to choose httpcore's backend
    pool._network_backend = TimedBackend()  # noqa: SLF001
    return transport


def _async_transport(proxy: str | None, certificates: SSLContext) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(proxy=proxy, verify=certificates, trust_env=False)
