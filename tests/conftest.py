"""Both homes, each started once for all tests that only speak HTTP to it."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tests import homes
from tests.browser import Tabs, chromium
from tests.homes import Home

# The machines that run this differ too much in speed for deadlines.
settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with homes.server(tmp_path_factory.mktemp("server")) as home:
        yield home


@pytest.fixture(scope="session")
def worker() -> Iterator[Home]:
    with homes.worker() as home:
        yield home


@pytest.fixture(scope="session", params=["server", "worker"])
def home(request: pytest.FixtureRequest) -> Home:
    """Every test that takes it runs black-box against the SQLite server and the Worker in the real runtime."""
    home: Home = request.getfixturevalue(request.param)
    return home


@pytest.fixture(scope="session")
def unlimited_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Without a rate limit, for what always comes from one address."""
    with homes.server(tmp_path_factory.mktemp("unlimited"), "--rate-limit-per-second=0") as home:
        yield home


@pytest.fixture(scope="session")
def unlimited_worker() -> Iterator[Home]:
    with homes.worker("--var", "RATE_LIMIT_PER_SECOND:0") as home:
        yield home


@pytest.fixture(scope="module", params=["server", "worker"])
def unlimited_home(request: pytest.FixtureRequest) -> Home:
    home: Home = request.getfixturevalue("unlimited_" + request.param)
    return home


@pytest.fixture
def client(home: Home) -> Iterator[httpx.Client]:
    with home.client() as client:
        yield client


@pytest.fixture(scope="module")  # and not for the session: it would be in the way of asyncio's tests
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tabs(browser: Browser, home: Home) -> Iterator[Tabs]:
    with Tabs(browser, home) as tabs:
        yield tabs
