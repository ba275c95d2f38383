"""What may be asked of a message. `messages.decide` says what each command does."""

from dataclasses import dataclass

from crypt_core.record import AccessHashes


@dataclass(frozen=True, slots=True)
class Create:
    """Keep `content` for `ttl` seconds, if the id is free.

    Attributes:
        content: The message.
        ttl: Seconds.
        access: The hashes of what opens the message; None for a plain message.
        reads: How many readers the message has.
        request_hash: Recognizes the same request when it is sent again; empty for a plain message.
        answer_hash: Digest of the proof with which somebody may answer; then `content` is a question, and its answer
            has one reader. Empty for a message.
        reference: The sender's own word for the message, for the operator's webhook; empty if nobody is to be told.
    """

    content: str
    ttl: int
    access: AccessHashes | None = None
    reads: int = 1
    request_hash: str = ""
    answer_hash: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """Hand out the content, and destroy it with its last read.

    Attributes:
        proof_hash: Digest of the link's proof that the caller sent; None for a plain message.
        passphrase_hash: Digest of the passphrase's proof that the caller sent; None without one.
        idempotency_hash: Digest of the idempotency key that lets the reader fetch the message again; None without one.
    """

    proof_hash: str | None = None
    passphrase_hash: str | None = None
    idempotency_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """End the lease of the reader with this idempotency key: the message has arrived."""

    proof_hash: str | None
    idempotency_hash: str


@dataclass(frozen=True, slots=True)
class Destroy:
    """Destroy the message, whatever reads and leases it still has."""

    proof_hash: str | None = None


@dataclass(frozen=True, slots=True)
class GetReceipt:
    """Tell what has become of a sealed message; of a question, to somebody with the proof to answer it, too."""

    proof_hash: str


@dataclass(frozen=True, slots=True)
class GetQuestion:
    """Hand out the question, as often as it is asked for. `proof_hash` is the digest of the proof to answer."""

    proof_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Put the answer in the place of its question, if it is the first one.

    Attributes:
        content: The answer.
        proof_hash: Digest of the proof to answer that the caller sent.
        request_hash: Recognizes the same answer when it is sent again.
    """

    content: str
    proof_hash: str
    request_hash: str


Command = Create | Read | Acknowledge | Destroy | GetReceipt | GetQuestion | Answer
