"""What several files of tests over HTTP share."""

from functools import partial

import pytest

from tests.support.edge import EVENT_LOOPS, Run, run_on


@pytest.fixture(params=EVENT_LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test's coroutine on either event loop."""
    return partial(run_on, request.param)
