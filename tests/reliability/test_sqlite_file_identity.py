"""Nothing is acknowledged by a file that is not the one under its path, and no other file takes its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crypt_api.server.stores.sqlite.store import SqliteStore
from crypt_core.commands import Create, Read
from crypt_core.outcomes import Created, Granted, Missing
from crypt_core.store import StorageUnavailable
from tests.support.sqlite_files import Engine, copy_files

DAY = 86_400  # seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / "messages.db"


def rename(path: Path) -> Callable[[], object]:
    elsewhere = path.rename(path.with_name("elsewhere"))
    return lambda: elsewhere.rename(path)


def cover_by_nothing(path: Path) -> Callable[[], object]:
    """As an empty file system that is mounted over the folder."""
    elsewhere = path.parent.with_name("covered")
    path.parent.rename(elsewhere)
    path.parent.mkdir()

    def uncover() -> None:
        path.parent.rmdir()
        elsewhere.rename(path.parent)

    return uncover


def cover_by_another_store(path: Path) -> Callable[[], object]:
    """As a file system with an old copy of the store, say."""
    elsewhere = path.parent.with_name("covered")
    path.parent.rename(elsewhere)
    path.parent.mkdir()
    Engine(path).close()

    def uncover() -> None:
        path.parent.rename(path.parent.with_name("uncovered"))
        elsewhere.rename(path.parent)

    return uncover


@pytest.mark.parametrize("replace", [rename, cover_by_nothing, cover_by_another_store])
async def test_a_file_that_was_replaced_answers_503_until_it_is_back(
    path: Path, replace: Callable[[Path], Callable[[], object]], caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path)
    await store.apply("abc12", Create("secret", DAY))
    there = sorted(path.parent.iterdir())
    undo = replace(path)
    others = sorted(path.parent.iterdir())
    for _ in range(3):
        for command in (Read(), Create("another", DAY)):
            with pytest.raises(StorageUnavailable, match="is not the file that was opened"):
                await store.apply("abc12", command)
            with pytest.raises(StorageUnavailable, match="is not the file that was opened"):
                await store.apply("abc13", command)
    assert sorted(path.parent.iterdir()) == others  # nothing was made anew
    undo()
    assert sorted(path.parent.iterdir()) == there
    assert await store.apply("abc13", Read()) == Missing()
    assert await store.apply("abc12", Read()) == Granted("secret")
    store.close()
    assert len(caplog.records) < 5


def test_a_file_that_was_deleted_is_not_made_anew(path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    path.unlink()
    for _ in range(2):
        assert isinstance(engine.apply(("abc13", Create("another", DAY)))[0], StorageUnavailable)
        engine.keep_house()
        assert not path.exists()
    engine.close()
    assert not path.exists()


def test_a_link_that_points_elsewhere_now_is_another_file(path: Path) -> None:
    Engine(path.with_name("a.db")).close()
    Engine(path.with_name("b.db")).close()
    path.symlink_to("a.db")
    engine = Engine(path)
    assert isinstance(engine.apply(("abc12", Create("secret", DAY)))[0], Created)
    path.unlink()
    path.symlink_to("b.db")
    assert isinstance(engine.apply(("abc12", Read()))[0], StorageUnavailable)
    path.unlink()
    path.symlink_to("a.db")
    assert engine.apply(("abc12", Read())) == [Granted("secret")]
    engine.close()


def test_after_a_failure_only_the_same_file_is_opened(path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    engine.database.disconnect()
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    assert isinstance(engine.apply(("abc12", Read()))[0], StorageUnavailable)
    assert not path.exists()
    Engine(path).close()
    assert isinstance(engine.apply(("abc12", Read()))[0], StorageUnavailable)
    path.unlink()
    elsewhere.rename(path)
    assert engine.apply(("abc12", Read())) == [Granted("secret")]
    engine.close()


def test_a_file_that_was_replaced_leaves_the_other_ones_log_alone(path: Path) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    cover_by_another_store(path)
    other = Engine(path)
    other.apply(("abc13", Create("another", DAY)))
    engine.close()
    assert isinstance(other.apply(("abc14", Create("third", DAY)))[0], Created)
    copy = Engine(copy_files(path, path.parent.with_name("copy")))
    assert copy.apply(("abc13", Read()), ("abc14", Read())) == [Granted("another"), Granted("third")]
    copy.close()
    other.close()


@pytest.mark.parametrize("content", [None, b"", b"something else" * 1_000])
def test_a_log_that_was_deleted_or_replaced_costs_one_503_and_nothing_else(
    path: Path, tmp_path: Path, content: bytes | None
) -> None:
    engine = Engine(path)
    engine.apply(("abc12", Create("secret", DAY)))
    log = path.with_name("messages.db-wal")
    log.unlink()
    if content is not None:
        log.write_bytes(content)
    answers = engine.apply(("abc12", Read()), ("abc13", Create("another", DAY)))
    assert all(isinstance(answer, StorageUnavailable) for answer in answers)
    assert isinstance(engine.apply(("abc13", Create("another", DAY)))[0], Created)
    copy = Engine(copy_files(path, tmp_path / "copy"))
    assert copy.apply(("abc12", Read()), ("abc13", Read())) == [Granted("secret"), Granted("another")]
    copy.close()
    engine.close()
