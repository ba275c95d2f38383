"""The platforms as fixtures. Each is started when a test first needs it, once for all tiers."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support import platforms
from tests.support.platforms import Connection, Platform

MEASURES = "COVERAGE_PROCESS_CONFIG"
"""The variable by which `coverage` measures a process that a test starts."""


@pytest.fixture(scope="session", autouse=True)
def measurement() -> dict[str, str]:
    """Measure the lines of the shared servers, and of no other process: it takes two thirds more processor time."""
    return {MEASURES: os.environ.pop(MEASURES)} if MEASURES in os.environ else {}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, measurement: dict[str, str]) -> Iterator[Platform]:
    with platforms.server(tmp_path_factory.mktemp("server"), env=measurement) as platform:
        yield platform


@pytest.fixture(scope="session")
def worker() -> Iterator[Platform]:
    with platforms.worker() as platform:
        yield platform


@pytest.fixture(scope="session")
def durable_worker() -> Iterator[Platform]:
    """The Worker with its other store, and with its other limiter."""
    variables = ("--var", "STORE:durable", "--var", "RATE_LIMIT_SCOPE:global")
    with platforms.worker("--count-operations", *variables) as platform:
        yield platform


@pytest.fixture(scope="session", params=["server", "worker", pytest.param("durable_worker", marks=pytest.mark.long)])
def platform(request: pytest.FixtureRequest) -> Platform:
    """Run the test black-box against the SQLite server, and against the Worker in the real runtime.

    `tests/worker/test_configurations.py` has what is run of `durable_worker` without `--long`.
    """
    platform: Platform = request.getfixturevalue(request.param)
    return platform


@pytest.fixture(scope="session")
def unlimited_server(tmp_path_factory: pytest.TempPathFactory, measurement: dict[str, str]) -> Iterator[Platform]:
    """Without a rate limit, for programs whose requests all come from one address."""
    folder = tmp_path_factory.mktemp("unlimited")
    with platforms.server(folder, "--rate-limit-per-second=0", env=measurement) as platform:
        yield platform


@pytest.fixture(scope="session")
def worker_with_files() -> Iterator[Platform]:
    """With a place for files, as the server always has one; and without a rate limit, as `unlimited_server`."""
    with platforms.worker("--var", "RATE_LIMIT_PER_SECOND:0", "--bucket", "FILES") as platform:
        yield platform


@pytest.fixture(scope="module", params=["unlimited_server", "worker_with_files"], ids=["server", "worker"])
def unlimited_platform(request: pytest.FixtureRequest) -> Platform:
    platform: Platform = request.getfixturevalue(request.param)
    return platform


@pytest.fixture(scope="module", params=["server", "worker_with_files"])
def files_platform(request: pytest.FixtureRequest) -> Platform:
    platform: Platform = request.getfixturevalue(request.param)
    return platform


@pytest.fixture
async def connections(platform: Platform) -> AsyncIterator[list[Connection]]:
    """Open 32 connections to one platform, for races."""
    connections = [await platform.connect() for _ in range(32)]
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx.Client]:
    with platform.client() as client:
        yield client
