"""Both homes, each started once for all tests that only speak HTTP to it."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tests.support import platforms
from tests.support.chromium import Tabs, chromium
from tests.support.platforms import Platform

# The machines that run this differ too much in speed for deadlines.
settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platforms.server(tmp_path_factory.mktemp("server")) as platform:
        yield platform


@pytest.fixture(scope="session")
def worker() -> Iterator[Platform]:
    with platforms.worker() as platform:
        yield platform


@pytest.fixture(scope="session", params=["server", "worker"])
def platform(request: pytest.FixtureRequest) -> Platform:
    """Every test that takes it runs black-box against the SQLite server and the Worker in the real runtime."""
    platform: Platform = request.getfixturevalue(request.param)
    return platform


@pytest.fixture(scope="session")
def unlimited_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Without a rate limit, for what always comes from one address."""
    with platforms.server(tmp_path_factory.mktemp("unlimited"), "--rate-limit-per-second=0") as platform:
        yield platform


@pytest.fixture(scope="session")
def unlimited_worker() -> Iterator[Platform]:
    with platforms.worker("--var", "RATE_LIMIT_PER_SECOND:0") as platform:
        yield platform


@pytest.fixture(scope="module", params=["server", "worker"])
def unlimited_platform(request: pytest.FixtureRequest) -> Platform:
    platform: Platform = request.getfixturevalue("unlimited_" + request.param)
    return platform


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx.Client]:
    with platform.client() as client:
        yield client


@pytest.fixture(scope="module")  # and not for the session: it would be in the way of asyncio's tests
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tabs(browser: Browser, platform: Platform) -> Iterator[Tabs]:
    with Tabs(browser, platform) as tabs:
        yield tabs
