"""Tiers: a test belongs to the one whose name its folder has. `docs/testing.md` says what each tier may use.

The five test files of the first version stay directly in `tests/`. Their tests belong to the tier `http` if they speak
to a platform, and to the tier `unit` if not.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.firefox import NOT_TRIED
from tests.support.platforms import NODE, ROOT

TIERS = {
    "unit": "no process, no socket, no file",
    "contract": "every store does what a store promises, in this process, with a real engine beside it",
    "valkey": "the store `valkey` and its limiter, with real engines that fail",
    "http": "black-box over HTTP, on both platforms",
    "worker": "what is the Worker's alone, in the real runtime",
    "browser": "the page, in real Chromium and in real Firefox",
    "cli": "the Python client and the command line",
    "package": "the built wheel, installed where nothing else is, and `deploy/`",
    "reliability": "crashes, full disks, and the end of a process",
}

IN_PROCESS = {"unit", "contract", "valkey"}
"""The tiers that need nothing but Python packages."""

ON_ONE_PLATFORM = {"browser", "cli"}
"""The tiers that look at what is not the platform's. `http` shows that both platforms give the same responses, so that
here the server is enough; without `--long`, only tests with the marker `both_platforms` run on the Worker, too."""

NEEDED = [
    NODE,
    NODE.with_name("uv"),
    ROOT / "python_modules",
    ROOT / "tools/workerd/node_modules",
    ROOT / "tools/browser/node_modules",
]
"""What the other tiers need, and `script/bootstrap test` installs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run what takes minutes, with many more examples")


def pytest_configure(config: pytest.Config) -> None:
    for tier, meaning in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {meaning}")
    config.addinivalue_line("markers", "long: takes minutes; deselected without --long")
    config.addinivalue_line("markers", "both_platforms: runs on the Worker, too, although the tier has one platform")
    if config.getoption("--long"):
        settings.load_profile("long")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before `-m` selects by these markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        item.add_marker(_tier(item))
    if not config.getoption("--long"):
        too_long = [item for item in items if item.get_closest_marker("long") or _is_on_a_second_platform(item)]
        config.hook.pytest_deselected(items=too_long)
        left_out = set(too_long)
        items[:] = [item for item in items if item not in left_out]
    yield
    items.sort(key=_turn)  # after pytest, which would bring together all tests on one platform


def _is_on_a_second_platform(item: pytest.Item) -> bool:
    if _tier(item) not in ON_ONE_PLATFORM or item.get_closest_marker("both_platforms"):
        return False
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return any(name.endswith("platform") and "worker" in str(value) for name, value in parameters.items())


def _turn(item: pytest.Item) -> tuple[bool, str, Path]:
    """When the test's file has its turn: processes take one file after the other, and should all end at one moment.

    So the shortest files, which are those of `unit`, come last. The others come by their names, and not by their
    folders: a file that waits for timeouts is beside one that uses the processor.
    """
    return _tier(item) == "unit", item.path.name, item.path


def pytest_collection_finish(session: pytest.Session) -> None:
    missing = [path for path in NEEDED if not path.exists()]
    if missing and not all(_tier(item) in IN_PROCESS for item in session.items):
        raise pytest.UsageError(f"run script/bootstrap test first: there is no {missing[0]}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the last line of all say what was not tried."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and any(NOT_TRIED in str(report.longrepr) for report in reporter.stats.get("skipped", [])):
        reporter.write_line(NOT_TRIED)


def _tier(item: pytest.Item) -> str:
    tests = Path(__file__).parent.parent
    folder, *rest = item.path.relative_to(tests).parts
    if rest:
        return folder
    return "http" if "platform" in getattr(item, "fixturenames", ()) else "unit"
