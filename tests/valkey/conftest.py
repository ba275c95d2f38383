"""An engine that a test may harm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.valkey import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as engine:
        yield engine
