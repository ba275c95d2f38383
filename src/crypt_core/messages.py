"""What may happen to a message: one pure function from (record, command, now) to (record, outcome).

Stores keep the record under the message's id and apply commands to it atomically; they know nothing of what a
command means. So that a message is read at most as often as its sender allowed is decided here, once, for every
store. `docs/architecture.md` draws the states.
"""

from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import NamedTuple, assert_never

from crypt_core.record import Hold, Record, Seal, State

HOLD_SECONDS = 60
"""How long a reader who sent a nonce may fetch the message again."""


@dataclass(frozen=True, slots=True)
class Create:
    """Keep `content` for `ttl` seconds, if the id is free.

    Attributes:
        content: The message.
        ttl: Seconds.
        seal: What opens it; None for a plain message.
        reads: How many readers it has.
        request_hash: Recognizes the same request sent again; empty where that cannot be.
    """

    content: str
    ttl: int
    seal: Seal | None = None
    reads: int = 1
    request_hash: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """Hand out the content, and destroy it with its last read.

    Attributes:
        proof_hash: Of the link's proof that was presented; None for a plain message.
        passphrase_hash: Of the passphrase's proof that was presented.
        nonce_hash: Of the nonce with which the reader may fetch it again; None without one.
    """

    proof_hash: str | None = None
    passphrase_hash: str | None = None
    nonce_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Destroy:
    """Destroy the message unread; or, with the nonce of a read, what is held for that nonce."""

    proof_hash: str | None = None
    nonce_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Tell what has become of a sealed message."""

    proof_hash: str


@dataclass(frozen=True, slots=True)
class Created:
    """It is kept."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request has created it before, and nobody has read it yet."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class IdTaken:
    """Another message lives, or lived, under this id."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The asker gets the content."""

    content: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is nothing for the asker under this id. Whether there is, or was, something is not to be told."""


@dataclass(frozen=True, slots=True)
class PassphraseRequired:
    """The link is right; the passphrase is still to come."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class PassphraseWrong:
    """The link is right, the passphrase is not; with no tries left, the message is destroyed."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class PassphraseUnexpected:
    """A passphrase was presented, and the message has none: a key made with it would open nothing."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """It is destroyed."""


@dataclass(frozen=True, slots=True)
class Report:
    """What has become of the message; times are Unix times in seconds."""

    state: State
    passphrase: bool
    reads_left: int
    at: float | None
    expires_at: float


Command = Create | Read | Destroy | Status
Outcome = (
    Created
    | Repeated
    | IdTaken
    | Granted
    | Missing
    | PassphraseRequired
    | PassphraseWrong
    | PassphraseUnexpected
    | Destroyed
    | Report
)


class Decision(NamedTuple):
    """The record to keep from now on (None: keep nothing), and what the asker is told."""

    record: Record | None
    outcome: Outcome


def age(record: Record, now: float) -> Record | None:
    """What time alone has made of the record by `now` (Unix time in seconds); None when nothing is left of it."""
    if record.expires_at <= now:
        return None
    return _without_content(record) if record.due_at <= now else record


def decide(record: Record | None, command: Command, now: float) -> Decision:
    """Decide what `command` does at `now` (Unix time in seconds) to the record under its id."""
    if record is not None:
        record = age(record, now)
    match command:
        case Create():
            return _create(record, command, now)
        case Read():
            return _read(record, command, now)
        case Destroy():
            return _destroy(record, command, now)
        case Status():
            return _status(record, command)
        case _:
            assert_never(command)


def _create(record: Record | None, command: Create, now: float) -> Decision:
    if record is None:
        expires_at = now + command.ttl
        new = Record(command.content, expires_at, command.seal, command.request_hash, command.reads)
        return Decision(new, Created(expires_at))
    if record.state == "unread" and command.request_hash and command.request_hash == record.request_hash:
        return Decision(record, Repeated(record.expires_at))
    return Decision(record, IdTaken())


def _read(record: Record | None, command: Read, now: float) -> Decision:
    if record is None or record.content is None or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    holds = tuple(hold for hold in record.holds if hold.until > now)
    is_held = any(hold.nonce_hash == command.nonce_hash for hold in holds)
    if not is_held and record.reads_left == 0:
        return Decision(record, Missing())
    refused = _refused_passphrase(record, command.passphrase_hash, now)
    if refused is not None:
        return refused
    granted = Granted(record.content)
    if is_held:
        return Decision(record, granted)
    if command.nonce_hash is not None:
        holds = (*holds, Hold(command.nonce_hash, min(now + HOLD_SECONDS, record.expires_at)))
    read = replace(record, reads_left=record.reads_left - 1, holds=holds, state="read", at=now)
    return Decision(read if read.reads_left or holds else _without_content(read), granted)


def _refused_passphrase(record: Record, presented: str | None, now: float) -> Decision | None:
    """What becomes of a read whose passphrase is not what the message takes; None if it is."""
    expected = None if record.seal is None else record.seal.passphrase_hash
    if expected is None:
        return None if presented is None else Decision(record, PassphraseUnexpected())
    if presented is None:
        return Decision(record, PassphraseRequired(record.tries_left))
    if compare_digest(presented, expected):
        return None
    tries_left = record.tries_left - 1
    counted = replace(record, tries_left=tries_left)
    return Decision(counted if tries_left else _destroyed(counted, now), PassphraseWrong(tries_left))


def _destroy(record: Record | None, command: Destroy, now: float) -> Decision:
    if record is None or record.content is None or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    holds = tuple(hold for hold in record.holds if hold.until > now)
    others = tuple(hold for hold in holds if hold.nonce_hash != command.nonce_hash)
    if len(others) < len(holds):  # a reader says that the message has arrived
        acknowledged = replace(record, holds=others)
        is_over = record.reads_left == 0 and not others
        return Decision(_without_content(acknowledged) if is_over else acknowledged, Destroyed())
    if command.nonce_hash is not None and record.state == "read":  # too late, and no reason to take others' reads
        return Decision(record, Missing())
    if record.reads_left == 0:
        return Decision(record, Missing())
    return Decision(_destroyed(record, now), Destroyed())


def _status(record: Record | None, command: Status) -> Decision:
    if record is None or record.seal is None or not _is_proven(record, command.proof_hash):
        return Decision(record, Missing())
    passphrase = record.seal.passphrase_hash is not None
    return Decision(record, Report(record.state, passphrase, record.reads_left, record.at, record.expires_at))


def _is_proven(record: Record, proof_hash: str | None) -> bool:
    if record.seal is None:
        return proof_hash is None
    return proof_hash is not None and compare_digest(proof_hash, record.seal.proof_hash)


def _destroyed(record: Record, now: float) -> Record | None:
    return _without_content(replace(record, state="destroyed", reads_left=0, at=now))


def _without_content(record: Record) -> Record | None:
    """What is left of a message that is gone: of a sealed one a tombstone, of a plain one nothing."""
    if record.seal is None:
        return None
    # Of the passphrase only stays that there was one.
    seal = replace(record.seal, passphrase_hash=None if record.seal.passphrase_hash is None else "")
    return replace(record, content=None, holds=(), seal=seal, request_hash="", tries_left=0)
