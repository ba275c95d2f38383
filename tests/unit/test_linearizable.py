"""The search finds the orders that there are, and no others."""

from crypt_core.commands import Create, Read
from crypt_core.outcomes import Created, Granted, Missing
from tests.support.linearizable import Event, is_linearizable, refused

CREATED = Event(0, 1, Create("x", 60), Created(60))
READ = Read()


def test_one_after_the_other() -> None:
    assert is_linearizable([CREATED, Event(2, 3, READ, Granted("x")), Event(4, 5, READ, Missing())])
    assert not is_linearizable([CREATED, Event(2, 3, READ, Missing()), Event(4, 5, READ, Granted("x"))])
    assert not is_linearizable([CREATED, Event(2, 3, READ, Granted("x")), Event(4, 5, READ, Granted("x"))])


def test_at_the_same_time_any_may_be_first() -> None:
    assert is_linearizable([CREATED, Event(2, 5, READ, Missing()), Event(3, 4, READ, Granted("x"))])
    assert not is_linearizable([CREATED, Event(2, 5, READ, Granted("x")), Event(3, 4, READ, Granted("x"))])


def test_what_was_refused_happened_later_or_never() -> None:
    assert is_linearizable([CREATED, refused(2, READ), Event(4, 5, READ, Granted("x"))])
    assert is_linearizable([CREATED, refused(2, READ), Event(4, 5, READ, Missing())])
    assert is_linearizable([CREATED, refused(2, READ), Event(4, 5, READ, Granted("x")), Event(6, 7, READ, Missing())])
    assert not is_linearizable([CREATED, Event(4, 5, READ, Missing()), refused(6, READ)])
    assert not is_linearizable(
        [CREATED, refused(2, READ), Event(4, 5, READ, Missing()), Event(6, 7, READ, Granted("x"))]
    )
