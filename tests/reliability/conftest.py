"""The time that a store in this process lives in."""

import pytest

from tests.support.stores import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
