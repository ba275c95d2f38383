"""The decision, as a state machine: a model of what may be told to whom, walked at random."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crypt_core.messages import Create, Created, Granted, IdTaken, Missing, Read, age, decide
from crypt_core.record import Record, decode, encode


class OneMessage(RuleBasedStateMachine):
    """One id over its whole life; the model knows only what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.record: Record | None = None
        self.content: str | None = None  # of the message that must be there
        self.dies_at = 0.0
        self.granted = 0
        self.created = 0

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.dies_at:
            self.content = None

    @rule(content=st.text(min_size=1), ttl=st.integers(60, 200))
    def create(self, content: str, ttl: int) -> None:
        self.record, outcome = decide(self.record, Create(content, ttl), self.now)
        if self.content is not None:
            assert outcome == IdTaken()
        else:
            assert outcome == Created()
            self.content, self.dies_at = content, self.now + ttl
            self.created += 1

    @rule()
    def read(self) -> None:
        self.record, outcome = decide(self.record, Read(), self.now)
        if self.content is None:
            assert outcome == Missing()
        else:
            assert outcome == Granted(self.content)
            self.content = None
            self.granted += 1

    @precondition(lambda self: self.record is not None)
    @rule()
    def sweep(self) -> None:
        assert self.record is not None
        due = self.record.due_at <= self.now
        swept = age(self.record, self.now)
        assert due == (swept is not self.record)
        self.record = swept

    @invariant()
    def is_read_at_most_once(self) -> None:
        assert self.granted <= self.created

    @invariant()
    def keeps_nothing_of_what_was_read(self) -> None:
        if self.content is None and self.record is not None:
            assert age(self.record, self.now) is None

    @invariant()
    def survives_being_written_down(self) -> None:
        if self.record is not None:
            assert decode(encode(self.record)) == self.record


TestOneMessage = OneMessage.TestCase
