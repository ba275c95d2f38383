"""The decision, as a state machine: a model of what may be told to whom, walked at random."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crypt_core.messages import (
    HOLD_SECONDS,
    Create,
    Created,
    Destroy,
    Destroyed,
    Granted,
    IdTaken,
    Missing,
    PassphraseRequired,
    PassphraseUnexpected,
    PassphraseWrong,
    Read,
    Repeated,
    Report,
    Status,
    age,
    decide,
)
from crypt_core.record import MAX_PASSPHRASE_TRIES, Record, Seal, decode, encode

NONCES = st.sampled_from(["nonce a", "nonce b", None])
PROOFS = st.sampled_from(["right", "right", "right", "wrong", None])
SEALS = st.sampled_from([None, Seal("right"), Seal("right", "passphrase")])
PASSPHRASES = st.sampled_from(["passphrase", "passphrase", "wrong", "wrong", None])


@dataclass
class Message:
    """What the model knows of the message that lives, or lived, under the id."""

    create: Create
    expires_at: float
    reads_left: int
    tries_left: int = MAX_PASSPHRASE_TRIES
    holds: dict[str, float] = field(default_factory=dict)
    state: str = "unread"
    at: float | None = None

    def held(self, now: float) -> set[str]:
        return {nonce for nonce, until in self.holds.items() if until > now}


class OneId(RuleBasedStateMachine):
    """One id over its whole life; the model judges what was told by what was told before."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.record: Record | None = None
        self.message: Message | None = None
        self.readers = 0

    def decide(self, command: Create | Read | Destroy | Status) -> object:
        self.record, outcome = decide(self.record, command, self.now)
        return outcome

    def forget_if_gone(self) -> None:
        message = self.message
        if message is None:
            return
        over = message.reads_left == 0 and not message.held(self.now)
        if self.now >= message.expires_at or (over and message.create.seal is None):
            self.message = None

    def readable(self) -> bool:
        return self.message is not None and bool(self.message.reads_left or self.message.held(self.now))

    @rule(seconds=st.one_of(st.floats(0, 30), st.sampled_from([HOLD_SECONDS, 100.0])))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.forget_if_gone()

    @rule(content=st.sampled_from("xy"), ttl=st.integers(60, 200), seal=SEALS, reads=st.integers(1, 3))
    def create(self, content: str, ttl: int, seal: Seal | None, reads: int) -> None:
        request_hash = f"{content} {ttl} {seal} {reads}" if seal else ""
        create = Create(content, ttl, seal, reads if seal else 1, request_hash)
        outcome = self.decide(create)
        if self.message is None:
            assert outcome == Created(self.now + ttl)
            self.message = Message(create, self.now + ttl, create.reads)
            self.readers = 0
        elif seal and create == self.message.create and self.message.state == "unread":
            assert outcome == Repeated(self.message.expires_at)
        else:
            assert outcome == IdTaken()

    @precondition(lambda self: self.message is not None and self.message.create.seal is not None)
    @rule()
    def create_again(self) -> None:
        assert self.message is not None
        outcome = self.decide(self.message.create)
        unread = self.message.state == "unread"
        assert outcome == (Repeated(self.message.expires_at) if unread else IdTaken())

    @rule(proof=PROOFS, passphrase=PASSPHRASES, nonce=NONCES)
    def read(self, proof: str | None, passphrase: str | None, nonce: str | None) -> None:
        message = self.message
        seal = message.create.seal if message else None
        outcome = self.decide(Read(proof if seal else None, passphrase if seal else None, nonce))
        if message is None or not self.readable() or (seal and proof != "right"):
            assert outcome == Missing()
            return
        again = nonce in message.held(self.now)
        if not again and message.reads_left == 0:
            assert outcome == Missing()
        elif seal and not seal.passphrase_hash and passphrase is not None:
            assert outcome == PassphraseUnexpected()
        elif seal and seal.passphrase_hash and passphrase is None:
            assert outcome == PassphraseRequired(message.tries_left)
        elif seal and seal.passphrase_hash and passphrase != "passphrase":
            message.tries_left -= 1
            assert outcome == PassphraseWrong(message.tries_left)
            if message.tries_left == 0:
                message.reads_left, message.holds, message.state, message.at = 0, {}, "destroyed", self.now
        else:
            assert outcome == Granted(message.create.content)
            if not again:
                message.reads_left, message.state, message.at = message.reads_left - 1, "read", self.now
                self.readers += 1
                if nonce:
                    message.holds[nonce] = min(self.now + HOLD_SECONDS, message.expires_at)
        self.forget_if_gone()

    @rule(proof=PROOFS, nonce=NONCES)
    def destroy(self, proof: str | None, nonce: str | None) -> None:
        message = self.message
        outcome = self.decide(Destroy(proof if message and message.create.seal else None, nonce))
        if message is None or not self.readable() or (message.create.seal and proof != "right"):
            assert outcome == Missing()
        elif nonce in message.held(self.now):
            assert outcome == Destroyed()
            assert nonce is not None
            del message.holds[nonce]
        elif nonce is not None and message.state == "read":
            assert outcome == Missing()  # an acknowledgement that comes late takes nobody's read
        elif message.reads_left:
            assert outcome == Destroyed()
            message.reads_left, message.holds, message.state, message.at = 0, {}, "destroyed", self.now
        else:
            assert outcome == Missing()
        self.forget_if_gone()

    @rule(proof=st.sampled_from(["right", "wrong"]))
    def status(self, proof: str) -> None:
        message = self.message
        outcome = self.decide(Status(proof))
        if message is None or message.create.seal is None or proof != "right":
            assert outcome == Missing()
        else:
            passphrase = message.create.seal.passphrase_hash is not None
            assert isinstance(outcome, Report)
            assert (outcome.state, outcome.passphrase) == (message.state, passphrase)
            assert (outcome.reads_left, outcome.at) == (message.reads_left, message.at)
            assert outcome.expires_at == message.expires_at

    @precondition(lambda self: self.record is not None)
    @rule()
    def sweep(self) -> None:
        assert self.record is not None
        due = self.record.due_at <= self.now
        swept = age(self.record, self.now)
        assert due == (swept is not self.record)
        self.record = swept

    @invariant()
    def has_no_more_readers_than_allowed(self) -> None:
        assert self.message is None or self.readers <= self.message.create.reads

    @invariant()
    def keeps_nothing_that_could_restore_what_is_gone(self) -> None:
        kept = age(self.record, self.now) if self.record is not None else None
        if kept is not None and not self.readable():
            assert kept.content is None
            assert kept.request_hash == ""
            assert kept.seal is not None
            assert kept.seal.passphrase_hash in (None, "")

    @invariant()
    def a_plain_message_leaves_nothing(self) -> None:
        if self.message is None and self.record is not None:
            assert age(self.record, self.now) is None

    @invariant()
    def survives_being_written_down(self) -> None:
        if self.record is not None:
            assert decode(encode(self.record)) == self.record


def test_a_late_acknowledgement_takes_no_other_reader_s_message() -> None:
    """Found by the state machine."""
    record, _ = decide(None, Create("x", 200, Seal("right"), 2), 0)
    record, _ = decide(record, Read("right", nonce_hash="nonce"), 0)
    record, outcome = decide(record, Destroy("right", "nonce"), HOLD_SECONDS)
    assert outcome == Missing()
    assert decide(record, Read("right"), HOLD_SECONDS).outcome == Granted("x")


TestOneId = OneId.TestCase
TestOneId.settings = settings(max_examples=400, stateful_step_count=40)
