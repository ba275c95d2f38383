"""The two ways to carry out a conversation's steps: blocking, and with asyncio. All that differs is here."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeVar, assert_never

import httpx

from crypt_api.client.connections import TIMEOUT, AsyncConnections, Connections
from crypt_api.client.steps import Ask, Compute, Conversation, End, Pause, Step, next_step

T = TypeVar("T")


class Driver:
    """Carries out conversations, and blocks meanwhile."""

    def __init__(
        self, transport: httpx.BaseTransport | None, sleep: Callable[[float], None], timeout: float = TIMEOUT
    ) -> None:
        self._connections = Connections(transport, timeout)
        self._sleep = sleep

    def run(self, conversation: Conversation[T]) -> T:
        with closing(conversation):
            step = next_step(conversation)
            while not isinstance(step, End):
                step = next_step(conversation, self._carry_out(step))
            return step.result

    def close(self) -> None:
        self._connections.close()

    def _carry_out(self, step: Step) -> Any:
        match step:
            case Ask(request):
                try:
                    return self._connections.send(request)
                except httpx.RequestError as error:
                    return error
            case Pause(seconds):
                return self._sleep(seconds)
            case Compute(function):
                return function()
            case _:
                assert_never(step)


class AsyncDriver:
    """Carries out conversations on the event loop, and what takes long in a thread."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]],
        timeout: float = TIMEOUT,
    ) -> None:
        self._connections = AsyncConnections(transport, timeout)
        self._sleep = sleep
        self._background: set[asyncio.Task[None]] = set()

    async def run(self, conversation: Conversation[T]) -> T:
        with closing(conversation):
            step = next_step(conversation)
            while not isinstance(step, End):
                step = next_step(conversation, await self._carry_out(step))
            return step.result

    def run_in_background(self, conversation: Conversation[None]) -> None:
        """Start the conversation. `close` waits for its end, on the same event loop."""
        task = asyncio.get_running_loop().create_task(self.run(conversation))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        own = [task for task in list(self._background) if task.get_loop() is loop]
        await asyncio.gather(*own, return_exceptions=True)
        await self._connections.close()

    async def _carry_out(self, step: Step) -> Any:
        match step:
            case Ask(request):
                try:
                    return await self._connections.send(request)
                except httpx.RequestError as error:
                    return error
            case Pause(seconds):
                return await self._sleep(seconds)
            case Compute(function):
                return await asyncio.to_thread(function)
            case _:
                assert_never(step)
