"""The store's URL: what it says, and that no text ever quotes it, since it may have a password."""

import pytest

from crypt_api.server.stores import open_store
from crypt_api.server.stores.memory import MemoryStore
from crypt_api.server.stores.reporting import NoObserver
from crypt_api.server.stores.valkey.url import parse_url
from crypt_core.setting_values import SettingsError
from crypt_core.store import StorageUnavailable

SECRET = "Zq7-wXk9"


def refusal(url: str) -> str:
    with pytest.raises((SettingsError, StorageUnavailable)) as refused:
        open_store(url, observer=NoObserver())
    return str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "valkey://:SECRET@h/0?replica=1",
        "valkey://:SECRET@h/0?replicas=-1",
        "valkey://:SECRET@h/x",
        "valkey://:SECRET@h:port/0",
        "valkey://:SECRET@h/1?cluster=1",
        "valkey://:SECRET@h/0?replicas=1&fsync_replicas=2",
        "valkey://:SECRET@h/0?deadline=0",
        "valkey://:SECRET@h/0?deadline=SECRET",
        "valkey://:SECRET@h/0?replicas",
        "valkey://:SECRET@h/0?SECRET=1",
        "valkey://h/0?sentinel_pasword=SECRET",
        "valkey://h/0?replicas=SECRET",
        "unix://:SECRET@",
        "unix://:1/SECRET@/run/valkey.sock",
        "unix://:SECRET%ff@/run/valkey.sock",
        "valkey://:SECRET\udce4@127.0.0.1:1/0?deadline=0.1",  # an environment in Latin-1
        "sqlite:///SECRET\udce4.db",
        # a password with characters that have to be encoded
        *(
            f"valkey://:{password}@h:6379/0"
            for password in ("SECRET#1", "1#SECRET", "SECRET/1", "1/SECRET", "1?SECRET")
        ),
        *(
            f"valkey://u:{password}@h:6379/0"
            for password in ("SEC#RET", "[SECRET", "SECRET]", "1:SECRET/x", "1/SECRET?")
        ),
        # env-files whose quotation marks are kept, and other slips
        '"valkey://:SECRET@h/0"',
        "'redis://:SECRET@h/0'",
        "valkey//:SECRET@h/0",
        "valkey:/:SECRET@h/0",
        ":SECRET@h/0",
        "http://:SECRET@h/0",
        "valkey+tls://:SECRET@h/0",
        "sqlite://user:SECRET@h/x.db",
        "sqlite:///x.db?key=SECRET",
        "sqlite+pysqlcipher://:SECRET@/x.db",
        "postgres://u:SECRET@h/db",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_and_nothing_of_it_is_shown(url: str) -> None:
    text = refusal(url.replace("SECRET", SECRET).replace("SEC#RET", "Zq7-#wXk9"))
    for part in (SECRET, SECRET[:3], SECRET[-4:]):
        assert part not in text
    assert text.startswith("STORE")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("valkey://:pass#word@h/0", "# is %23"),
        ("valkey://:pass/word@h/0", "/ is %2F"),
        ("'valkey://:word@h/0'", "It begins with a quotation mark: leave the marks out."),
        ("valkey://h/0?replica=1", "an unknown option (did you mean replicas?). There are replicas, "),
        ("sqlite:///:memory:", "the store in memory is memory:"),
        ("sqlite:///file::memory:", "the store in memory is memory:"),
        ("sqlite:///x.db?mode=ro", "no options"),
    ],
)
def test_a_refusal_says_what_to_write(url: str, hint: str) -> None:
    assert hint in refusal(url)


@pytest.mark.parametrize(
    "url", ["VALKEY://:SECRET@127.0.0.1:1/0?deadline=0.1", " Redis://:SECRET@127.0.0.1:1?deadline=0.1"]
)
def test_an_engine_that_is_away_is_told_without_the_password(url: str) -> None:
    text = refusal(url.replace("SECRET", SECRET))
    assert text.startswith("cannot use the engine")
    assert SECRET not in text


def test_schemes_may_be_in_upper_case() -> None:
    assert isinstance(open_store("MEMORY:", observer=NoObserver()), MemoryStore)


def test_a_url_says_where_the_engine_is() -> None:
    settings = parse_url("valkeys://us%40er:p%3Aw@one,two:1234/0?replicas=2&prefix=x:&deadline=1.5")
    assert settings.hosts == (("one", 6379), ("two", 1234))
    assert (settings.username, settings.password) == ("us@er", "p:w")
    assert (settings.tls, settings.cluster, settings.replicas, settings.fsync_replicas) == (True, True, 2, 2)
    assert "p:w" not in repr(settings)
    sentinel = parse_url("redis://one,two/3?sentinel=primary&sentinel_password=p+w%26")
    assert sentinel.sentinel_password == "p+w&"
    assert "p+w" not in repr(sentinel)
    assert (sentinel.hosts, sentinel.db, sentinel.cluster) == ((("one", 26379), ("two", 26379)), 3, False)
    assert parse_url("unix:///run/valkey.sock?db=2").path == "/run/valkey.sock"
