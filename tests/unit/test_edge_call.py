"""A coroutine that is run without a task behaves as it would in one."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from crypt_api.server.edge.call import Call

Results = list[object]


def call(coroutine: Coroutine[Any, Any, object], results: Results) -> Call[object]:
    started = Call(coroutine, results.append, results.append)
    started.start()
    return started


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_coroutine_that_never_waits_is_done_at_once() -> None:
    async def answer() -> int:
        return 1

    results: Results = []
    call(answer(), results)
    assert results == [1]


async def test_a_coroutine_goes_on_when_what_it_awaits_is_done() -> None:
    news = asyncio.get_running_loop().create_future()

    async def answer() -> object:
        await asyncio.sleep(0)
        return await news

    results: Results = []
    call(answer(), results)
    await turns()
    assert results == []
    news.set_result(2)
    await turns()
    assert results == [2]


async def test_what_is_raised_goes_to_the_error_callback() -> None:
    error = ValueError()

    async def fail() -> object:
        await asyncio.sleep(0)
        raise error

    results: Results = []
    call(fail(), results)
    await turns()
    assert results == [error]


async def test_two_coroutines_and_a_task_may_await_one_future() -> None:
    shared = asyncio.get_running_loop().create_future()

    async def answer() -> object:
        return await shared

    results: Results = []
    call(answer(), results)
    call(answer(), results)
    task = asyncio.create_task(answer())
    await turns()
    shared.set_result(3)
    await turns()
    assert results == [3, 3]
    assert await task == 3


@pytest.mark.parametrize("is_done", [False, True])
async def test_cancelling_is_told_to_the_coroutine_once(is_done: bool) -> None:  # noqa: FBT001
    """Its cleaning up may wait, and is not disturbed; nobody gets its result."""
    news, cleaning = (asyncio.get_running_loop().create_future() for _ in range(2))
    seen: Results = []

    async def answer() -> int:
        try:
            await news
        except asyncio.CancelledError:
            await cleaning
            seen.append("clean")
            raise
        return 4

    results: Results = []
    started = call(answer(), results)
    if is_done:
        news.set_result(None)  # its next step is already on its way
    started.cancel()
    await turns()
    assert news.cancelled() is not is_done
    cleaning.set_result(None)
    await turns()
    assert seen == ["clean"]
    assert results == []


async def test_a_coroutine_may_be_cancelled_during_its_own_step() -> None:
    news = asyncio.get_running_loop().create_future()
    calls: list[Call[object]] = []

    async def answer() -> object:
        await asyncio.sleep(0)
        calls[0].cancel()
        return await news

    results: Results = []
    calls.append(call(answer(), results))
    await turns()
    assert news.cancelled()
    assert results == []


async def test_a_coroutine_that_ignores_its_cancellation_has_no_result() -> None:
    news = asyncio.get_running_loop().create_future()

    async def answer() -> int:
        try:
            await news
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return 5

    results: Results = []
    call(answer(), results).cancel()
    await turns()
    assert results == []
