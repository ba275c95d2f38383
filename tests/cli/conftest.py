"""Clients on each platform that takes files, and a file of several parts."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypt_api import Client
from crypt_api.client import uploads
from tests.support.file_clients import Connect, Meddle, Meddling, P, no_pause
from tests.support.platforms import Platform


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", P)


@pytest.fixture
def connect(files_platform: Platform, _small_parts: None) -> Iterator[Connect]:
    clients: list[Client] = []

    def make(meddle: Meddle | None = None) -> tuple[Client, Meddling]:
        transport = Meddling(files_platform, meddle)
        clients.append(Client(files_platform.url, transport=transport, sleep=no_pause))
        return clients[-1], transport

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def big(tmp_path: Path, _small_parts: None) -> Path:
    """A file of four parts."""
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(3 * P + 5))
    return path
