"""Unit tests need nothing but Python."""

from collections.abc import Iterator

import pytest

from tests.support.isolation import PROCESSES_AND_CONNECTIONS, WRITTEN_FILES, refuse


@pytest.fixture(autouse=True)
def in_process() -> Iterator[None]:
    """Refuse processes, connections and written files. The repository's own files may be read."""
    with refuse(PROCESSES_AND_CONNECTIONS | WRITTEN_FILES):
        yield
