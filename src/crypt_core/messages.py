"""What may happen to a message: one pure function from (record, command, now) to (record, outcome).

Stores keep the record under the message's id and apply commands to it atomically. Stores do not know what a command
means. The decision that a message is read at most as often as its sender allowed is made here, once, for every store.
`docs/architecture.md` draws the states; `tests/unit/test_decisions.py` is the table of all decisions.
"""

from dataclasses import replace
from hmac import compare_digest
from typing import NamedTuple, assert_never

from crypt_core.commands import Acknowledge, Answer, Command, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS, Lease
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
    Outcome,
    PassphraseRequired,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    UnexpectedPassphrase,
    WrongPassphrase,
)
from crypt_core.record import Record


class Decision(NamedTuple):
    """The record to keep from now on (None: keep nothing), and what the caller is told."""

    record: Record | None
    outcome: Outcome


def expire(record: Record, now: float) -> Record | None:
    """Apply the time `now` (Unix time in seconds) to the record; None when nothing is left of it."""
    if record.expires_at <= now:
        return None
    return _without_content(record) if record.due_at <= now else record


def decide(record: Record | None, command: Command, now: float) -> Decision:  # noqa: PLR0911 - one for each command
    """Decide what `command` does at `now` (Unix time in seconds) to the record under its id."""
    if record is not None:
        record = expire(record, now)
    match command:
        case Create():
            return _create(record, command, now)
        case Read():
            return _read(record, command, now)
        case Acknowledge():
            return _acknowledge(record, command, now)
        case Destroy():
            return _destroy(record, command, now)
        case GetReceipt():
            return _receipt(record, command)
        case GetQuestion():
            return _question(record, command)
        case Answer():
            return _answer(record, command, now)
        case _:
            assert_never(command)


def _create(record: Record | None, command: Create, now: float) -> Decision:
    if record is None:
        expires_at = now + command.ttl
        new = Record(
            command.content,
            expires_at,
            command.access,
            command.request_hash,
            command.reads,
            reference=command.reference,
        )
        if command.answer_hash:
            new = replace(new, state="asked", answer_hash=command.answer_hash, answer_ttl=command.ttl)
        return Decision(new, Created(expires_at))
    if record.state in ("unread", "asked") and command.request_hash and command.request_hash == record.request_hash:
        return Decision(record, Repeated(record.expires_at))
    return Decision(record, IdTaken())


def _read(record: Record | None, command: Read, now: float) -> Decision:
    if record is None or record.content is None or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    leases = _live_leases(record, now)
    is_leased = any(lease.idempotency_hash == command.idempotency_hash for lease in leases)
    if not is_leased and record.reads_left == 0:
        return Decision(record, Missing())
    refused = _refused(record, command.passphrase_hash, now)
    if refused is not None:
        return refused
    granted = Granted(record.content)
    if is_leased:
        return Decision(record, granted)
    if command.idempotency_hash is not None:
        leases = (*leases, Lease(command.idempotency_hash, min(now + LEASE_SECONDS, record.expires_at)))
    reads_left = record.reads_left - 1
    if not (reads_left or leases or record.access):
        return Decision(None, granted)  # most messages are plain, have one reader, and leave nothing
    read = replace(record, reads_left=reads_left, leases=leases, state="read", at=now)
    return Decision(read if reads_left or leases else _without_content(read), granted)


def _refused(record: Record, presented: str | None, now: float) -> Decision | None:
    """Decide a read before there is an answer, or with a passphrase that is not the message's; None if all is right."""
    if record.state == "asked":
        return Decision(record, NotAnswered())
    expected = None if record.access is None else record.access.passphrase_hash
    if expected is None:
        return None if presented is None else Decision(record, UnexpectedPassphrase())
    if presented is None:
        return Decision(record, PassphraseRequired(record.tries_left))
    if compare_digest(presented, expected):
        return None
    tries_left = record.tries_left - 1
    counted = replace(record, tries_left=tries_left)
    return Decision(counted if tries_left else _destroyed(counted, now), WrongPassphrase(tries_left))


def _acknowledge(record: Record | None, command: Acknowledge, now: float) -> Decision:
    if record is None or record.content is None or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    leases = _live_leases(record, now)
    others = tuple(lease for lease in leases if lease.idempotency_hash != command.idempotency_hash)
    if len(others) == len(leases):
        return Decision(record, Missing())
    acknowledged = replace(record, leases=others)
    return Decision(acknowledged if record.reads_left or others else _without_content(acknowledged), Acknowledged())


def _destroy(record: Record | None, command: Destroy, now: float) -> Decision:
    if record is None or record.reads_left == 0 or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    return Decision(_destroyed(record, now), Destroyed())


def _receipt(record: Record | None, command: GetReceipt) -> Decision:
    if record is None or record.access is None:
        return Decision(record, Missing())
    if not (_is_proven(record, command.proof_hash) or _may_answer(record, command.proof_hash)):
        return Decision(record, Missing())
    passphrase = record.access.passphrase_hash is not None
    return Decision(record, Receipt(record.state, passphrase, record.reads_left, record.at, record.expires_at))


def _question(record: Record | None, command: GetQuestion) -> Decision:
    if record is None or record.state == "destroyed" or not _may_answer(record, command.proof_hash):
        return Decision(record, Missing())
    if record.state == "asked" and record.content is not None:
        return Decision(record, Question(record.content, record.answer_ttl, record.expires_at))
    return Decision(record, AlreadyAnswered())


def _answer(record: Record | None, command: Answer, now: float) -> Decision:
    if record is None or record.state == "destroyed" or not _may_answer(record, command.proof_hash):
        return Decision(record, Missing())
    if record.state == "asked":
        answered = replace(
            record,
            content=command.content,
            expires_at=now + record.answer_ttl,
            request_hash=command.request_hash,
            state="unread",
            answer_ttl=0,
        )
        return Decision(answered, Answered(answered.expires_at))
    is_same = command.request_hash == record.request_hash
    return Decision(record, RepeatedAnswer(record.expires_at) if is_same else AlreadyAnswered())


def _live_leases(record: Record, now: float) -> tuple[Lease, ...]:
    return tuple(lease for lease in record.leases if lease.until > now)


def _is_proven(record: Record, proof_hash: str | None) -> bool:
    if record.access is None:
        return proof_hash is None
    return proof_hash is not None and compare_digest(proof_hash, record.access.proof_hash)


def _may_answer(record: Record, proof_hash: str) -> bool:
    return record.answer_hash != "" and compare_digest(proof_hash, record.answer_hash)


def _destroyed(record: Record, now: float) -> Record | None:
    """End the message. A message that was read stays so in its receipt, with the time of its last read.

    Otherwise a reader could hide the read from the sender, by wrong passphrases or by a `Destroy` afterwards.
    """
    if record.state in ("unread", "asked"):
        record = replace(record, state="destroyed", at=now)
    return _without_content(replace(record, reads_left=0))


def _without_content(record: Record) -> Record | None:
    """What stays when the content is gone: a tombstone of a sealed message, nothing of a plain one."""
    if record.access is None:
        return None
    # The tombstone keeps only that there was a passphrase.
    access = record.access._replace(passphrase_hash=None if record.access.passphrase_hash is None else "")
    # An asker may have read the answer before its writer, whose response was lost, sends it again.
    request_hash = record.request_hash if record.answer_hash and record.state == "read" else ""
    return replace(
        record,
        content=None,
        leases=(),
        access=access,
        request_hash=request_hash,
        tries_left=0,
        answer_ttl=0,
        reference="",
    )
