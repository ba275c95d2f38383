"""Every store, and the time that it lives in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crypt_core.store import Store
from tests.support.isolation import PROCESSES_AND_CONNECTIONS, refuse
from tests.support.stores import STORES, Clock


@pytest.fixture(autouse=True)
def in_process() -> Iterator[None]:
    with refuse(PROCESSES_AND_CONNECTIONS):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with STORES[request.param](tmp_path, clock) as store:
        yield store
