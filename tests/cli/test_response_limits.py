"""No server fills the memory of a client, or keeps it for ever."""

import asyncio
import tracemalloc
from collections.abc import Callable
from time import monotonic

import pytest

from crypt_api import AsyncClient, Client, errors
from crypt_api.client import limits
from tests.support import raw_services

ANSWERS = [
    raw_services.compressed,
    raw_services.compressed_nothing,
    raw_services.large,
    raw_services.endless,
    raw_services.endless_head,
]
SECRET = "#" + "A" * 22


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.02)  # 0.6 seconds instead of 45


def blocking(url: str) -> None:
    with Client(url, sleep=_no_pause) as client:
        client.receipt(f"{url}/{SECRET}")


def with_asyncio(url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(url) as client:
            await client.read(f"{url}/{SECRET}")

    asyncio.run(ask())


def _no_pause(_seconds: float) -> None:
    raise AssertionError("such a server is not asked again")


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("ask", [blocking, with_asyncio])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_response_without_end_is_given_up(answer: raw_services.Misbehaviour, ask: Callable[[str], None]) -> None:
    with raw_services.raw_service(answer) as url:
        tracemalloc.start()
        began = monotonic()
        with pytest.raises(errors.AnswerLost, match=r"is not this service: its response (has more|does not come)"):
            ask(url)
        assert monotonic() - began < 60
        assert tracemalloc.get_traced_memory()[1] < 32 * raw_services.MIB
        tracemalloc.stop()


@pytest.mark.parametrize("ask", [blocking, with_asyncio])
def test_a_header_may_have_any_bytes(ask: Callable[[str], None]) -> None:
    with raw_services.raw_service(raw_services.odd_headers) as url, pytest.raises(errors.NotFound):
        ask(url)


def test_the_largest_plain_message_is_within_the_limit() -> None:
    assert 6 * 102_400 + len('{"message": ""}\n') < limits.MAX_RESPONSE_BYTES
