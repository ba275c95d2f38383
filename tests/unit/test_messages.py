"""The decision over time, as a state machine: a model says what each caller may be told, and is walked at random.

`test_decisions.py` has every single decision in tables.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crypt_core.commands import Acknowledge, Answer, Command, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.messages import decide, expire
from crypt_core.outcomes import (
    Acknowledged,
    AlreadyAnswered,
    Answered,
    Created,
    Destroyed,
    Granted,
    IdTaken,
    Missing,
    NotAnswered,
    PassphraseRequired,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    UnexpectedPassphrase,
    WrongPassphrase,
)
from crypt_core.record import MAX_PASSPHRASE_TRIES, AccessHashes, Record, decode, encode

KEYS = st.sampled_from(["key a", "key b", None])
PROOFS = st.sampled_from(["right", "right", "right", "wrong", None])
ACCESSES = st.sampled_from([None, AccessHashes("right"), AccessHashes("right", "passphrase")])
PASSPHRASES = st.sampled_from(["passphrase", "passphrase", "wrong", "wrong", None])


@dataclass
class Message:
    """What the model knows of the message that lives, or lived, under the id."""

    create: Create
    expires_at: float
    reads_left: int
    answer: Answer | None = None
    tries_left: int = MAX_PASSPHRASE_TRIES
    leases: dict[str, float] = field(default_factory=dict)
    state: str = "unread"
    at: float | None = None

    @property
    def content(self) -> str:
        return self.create.content if self.answer is None else self.answer.content

    def leased(self, now: float) -> set[str]:
        return {key for key, until in self.leases.items() if until > now}

    def destroy(self, now: float) -> None:
        """What was read says so for good."""
        self.reads_left, self.leases = 0, {}
        if self.state in ("asked", "unread"):
            self.state, self.at = "destroyed", now


class OneId(RuleBasedStateMachine):
    """One id over its whole life; the model judges what was told by what was told before."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.record: Record | None = None
        self.message: Message | None = None
        self.readers = 0

    def decide(self, command: Command) -> object:
        self.record, outcome = decide(self.record, command, self.now)
        return outcome

    def forget_if_gone(self) -> None:
        message = self.message
        if message is None:
            return
        over = message.reads_left == 0 and not message.leased(self.now)
        if self.now >= message.expires_at or (over and message.create.access is None):
            self.message = None

    def readable(self) -> bool:
        return self.message is not None and bool(self.message.reads_left or self.message.leased(self.now))

    @rule(seconds=st.one_of(st.floats(0, 30), st.sampled_from([LEASE_SECONDS, 100.0])))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.forget_if_gone()

    @rule(content=st.sampled_from("xy"), ttl=st.integers(60, 200), access=ACCESSES, reads=st.integers(1, 3))
    def create(self, content: str, ttl: int, access: AccessHashes | None, reads: int) -> None:
        request_hash = f"{content} {ttl} {access} {reads}" if access else ""
        create = Create(content, ttl, access, reads if access else 1, request_hash)
        outcome = self.decide(create)
        if self.message is None:
            assert outcome == Created(self.now + ttl)
            self.message = Message(create, self.now + ttl, create.reads)
            self.readers = 0
        elif access and create == self.message.create and self.message.state == "unread":
            assert outcome == Repeated(self.message.expires_at)
        else:
            assert outcome == IdTaken()

    @rule(ttl=st.integers(60, 200))
    def ask(self, ttl: int) -> None:
        create = Create("question", ttl, AccessHashes("right"), 1, f"question {ttl}", "answer proof")
        outcome = self.decide(create)
        if self.message is None:
            assert outcome == Created(self.now + ttl)
            self.message = Message(create, self.now + ttl, 1, state="asked")
            self.readers = 0
        elif create == self.message.create and self.message.state == "asked":
            assert outcome == Repeated(self.message.expires_at)
        else:
            assert outcome == IdTaken()

    @rule(answer=st.sampled_from("xy"), proof=st.sampled_from(["answer proof", "answer proof", "right", ""]))
    def answer(self, answer: str, proof: str) -> None:
        message = self.message
        command = Answer(answer, proof, answer)
        question, outcome = self.decide(GetQuestion(proof)), self.decide(command)
        is_asked = message is not None and message.create.answer_hash == proof
        if message is None or not (is_asked and proof) or message.state == "destroyed":
            assert question == outcome == Missing()
        elif message.state == "asked":
            assert question == Question("question", message.create.ttl, message.expires_at)
            message.answer, message.state, message.expires_at = command, "unread", self.now + message.create.ttl
            assert outcome == Answered(message.expires_at)
        else:
            assert question == AlreadyAnswered()
            is_same = message.answer == command
            assert outcome == (RepeatedAnswer(message.expires_at) if is_same else AlreadyAnswered())

    @precondition(lambda self: self.message is not None and self.message.create.access is not None)
    @rule()
    def create_again(self) -> None:
        assert self.message is not None
        outcome = self.decide(self.message.create)
        is_new = self.message.state in ("asked", "unread") and self.message.answer is None
        assert outcome == (Repeated(self.message.expires_at) if is_new else IdTaken())

    @rule(proof=PROOFS, passphrase=PASSPHRASES, key=KEYS)
    def read(self, proof: str | None, passphrase: str | None, key: str | None) -> None:
        message = self.message
        access = message.create.access if message else None
        outcome = self.decide(Read(proof if access else None, passphrase if access else None, key))
        if message is None or not self.readable() or (access and proof != "right"):
            assert outcome == Missing()
            return
        again = key in message.leased(self.now)
        if not again and message.reads_left == 0:
            assert outcome == Missing()
        elif message.state == "asked":
            assert outcome == NotAnswered()
        elif access and not access.passphrase_hash and passphrase is not None:
            assert outcome == UnexpectedPassphrase()
        elif access and access.passphrase_hash and passphrase is None:
            assert outcome == PassphraseRequired(message.tries_left)
        elif access and access.passphrase_hash and passphrase != "passphrase":
            message.tries_left -= 1
            assert outcome == WrongPassphrase(message.tries_left)
            if message.tries_left == 0:
                message.destroy(self.now)
        else:
            assert outcome == Granted(message.content)
            if not again:
                message.reads_left, message.state, message.at = message.reads_left - 1, "read", self.now
                self.readers += 1
                if key:
                    message.leases[key] = min(self.now + LEASE_SECONDS, message.expires_at)
        self.forget_if_gone()

    @rule(proof=PROOFS, key=st.sampled_from(["key a", "key b"]))
    def acknowledge(self, proof: str | None, key: str) -> None:
        message = self.message
        outcome = self.decide(Acknowledge(proof if message and message.create.access else None, key))
        if message is None or (message.create.access and proof != "right") or key not in message.leased(self.now):
            assert outcome == Missing()
        else:
            assert outcome == Acknowledged()
            del message.leases[key]
        self.forget_if_gone()

    @rule(proof=PROOFS)
    def destroy(self, proof: str | None) -> None:
        message = self.message
        outcome = self.decide(Destroy(proof if message and message.create.access else None))
        if message is None or message.reads_left == 0 or (message.create.access and proof != "right"):
            assert outcome == Missing()
        else:
            assert outcome == Destroyed()
            message.destroy(self.now)
        self.forget_if_gone()

    @rule(proof=st.sampled_from(["right", "wrong", "answer proof"]))
    def receipt(self, proof: str) -> None:
        message = self.message
        outcome = self.decide(GetReceipt(proof))
        if message is None or message.create.access is None or proof not in ("right", message.create.answer_hash):
            assert outcome == Missing()
        else:
            passphrase = message.create.access.passphrase_hash is not None
            assert isinstance(outcome, Receipt)
            assert (outcome.state, outcome.passphrase) == (message.state, passphrase)
            assert (outcome.reads_left, outcome.at) == (message.reads_left, message.at)
            assert outcome.expires_at == message.expires_at

    @precondition(lambda self: self.record is not None)
    @rule()
    def sweep(self) -> None:
        assert self.record is not None
        due = self.record.due_at <= self.now
        swept = expire(self.record, self.now)
        assert due == (swept is not self.record)
        self.record = swept

    @invariant()
    def has_no_more_readers_than_allowed(self) -> None:
        assert self.message is None or self.readers <= self.message.create.reads

    @invariant()
    def keeps_nothing_that_could_restore_what_is_gone(self) -> None:
        kept = expire(self.record, self.now) if self.record is not None else None
        if kept is not None and not self.readable():
            assert kept.content is None
            is_answer_that_was_read = kept.answer_hash and kept.state == "read"
            assert is_answer_that_was_read or kept.request_hash == ""
            assert kept.access is not None
            assert kept.access.passphrase_hash in (None, "")

    @invariant()
    def a_plain_message_leaves_nothing(self) -> None:
        if self.message is None and self.record is not None:
            assert expire(self.record, self.now) is None

    @invariant()
    def survives_being_written_down(self) -> None:
        if self.record is not None:
            assert decode(encode(self.record)) == self.record


def test_a_late_acknowledgement_takes_no_other_reader_s_message() -> None:
    """Found by the state machine."""
    record, _ = decide(None, Create("x", 200, AccessHashes("right"), 2), 0)
    record, _ = decide(record, Read("right", idempotency_hash="key"), 0)
    record, outcome = decide(record, Acknowledge("right", "key"), LEASE_SECONDS)
    assert outcome == Missing()
    assert decide(record, Read("right"), LEASE_SECONDS).outcome == Granted("x")


def receipt_after(create: Create, *commands: Command) -> Receipt:
    """The receipt after the commands, which are one second apart."""
    record, now = decide(None, create, 0).record, 0
    for command in commands:
        now += 1
        record = decide(record, command, now).record
    receipt = decide(record, GetReceipt("right"), now).outcome
    assert isinstance(receipt, Receipt)
    return receipt


def test_wrong_passphrases_of_a_reader_hide_no_read() -> None:
    """With an idempotency key, a reader may ask again for a minute, and so guess."""
    create = Create("x", 200, AccessHashes("right", "passphrase"))
    read = Read("right", "passphrase", "key")
    guesses = [Read("right", "wrong", "key")] * MAX_PASSPHRASE_TRIES
    receipt = receipt_after(create, read, *guesses)
    assert receipt == Receipt("read", passphrase=True, reads_left=0, at=1, expires_at=200)


def test_destroying_what_was_read_once_hides_no_read() -> None:
    create = Create("x", 200, AccessHashes("right"), reads=2)
    receipt = receipt_after(create, Read("right"), Destroy("right"))
    assert receipt == Receipt("read", passphrase=False, reads_left=0, at=1, expires_at=200)


def test_wrong_passphrases_for_the_second_read_hide_no_first_read() -> None:
    create = Create("x", 200, AccessHashes("right", "passphrase"), reads=2)
    guesses = [Read("right", "wrong")] * MAX_PASSPHRASE_TRIES
    receipt = receipt_after(create, Read("right", "passphrase"), *guesses)
    assert receipt == Receipt("read", passphrase=True, reads_left=0, at=1, expires_at=200)


def test_what_nobody_has_read_is_destroyed() -> None:
    receipt = receipt_after(Create("x", 200, AccessHashes("right"), reads=2), Destroy("right"))
    assert receipt == Receipt("destroyed", passphrase=False, reads_left=0, at=1, expires_at=200)


def test_nothing_is_left_to_read_after_that() -> None:
    record, _ = decide(None, Create("x", 200, AccessHashes("right"), reads=2), 0)
    record, _ = decide(record, Read("right", idempotency_hash="key"), 1)
    record, outcome = decide(record, Destroy("right"), 2)
    assert outcome == Destroyed()
    assert decide(record, Read("right", idempotency_hash="key"), 3).outcome == Missing()
    assert record is not None
    assert record.content is None


TestOneId = OneId.TestCase
TestOneId.settings = settings(stateful_step_count=40)
