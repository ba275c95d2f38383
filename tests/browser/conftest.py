"""Chromium and tabs in it; Firefox."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import Tabs, chromium
from tests.support.files_on_page import DirectTabs, Files, make_files
from tests.support.firefox import Firefox, required_firefox, start_firefox
from tests.support.platforms import Platform


@pytest.fixture(scope="module")  # and not for the session: it would be in the way of asyncio's tests
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def platform(unlimited_platform: Platform) -> Platform:
    """Without a rate limit: a tab has one address, and may send more than three requests in a second."""
    return unlimited_platform


@pytest.fixture
def tabs(browser: Browser, platform: Platform) -> Iterator[Tabs]:
    with Tabs(browser, platform) as tabs:
        yield tabs


@pytest.fixture
def server_tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only, for tests that look at what happens in the browser."""
    with Tabs(browser, unlimited_server) as tabs:
        yield tabs


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("files"))


@pytest.fixture
def file_tabs(browser: Browser, unlimited_server: Platform) -> Iterator[Tabs]:
    """On one platform only, without a rate limit: tests of files look at what happens in the browser."""
    with DirectTabs(browser, unlimited_server) as tabs:
        yield tabs


@pytest.fixture(scope="module")
def started_firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with start_firefox(required_firefox(), tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture
def firefox(started_firefox: Firefox) -> Iterator[Firefox]:
    """A Firefox with one empty tab, and no saved logins."""
    yield started_firefox
    started_firefox.forget()
