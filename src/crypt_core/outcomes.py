"""What a caller is told of a command. `messages.decide` says which outcome each command has."""

from dataclasses import dataclass

from crypt_core.record import State


@dataclass(frozen=True, slots=True)
class Created:
    """The message is kept until `expires_at` (Unix time in seconds)."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request has created the message before, and the message is still unread."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class IdTaken:
    """Another message lives, or lived, under this id."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The caller gets the content."""

    content: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The caller gets nothing under this id, and is not told whether a message is or was there."""


@dataclass(frozen=True, slots=True)
class PassphraseRequired:
    """The link's proof is right, and the caller sent no passphrase's proof."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class WrongPassphrase:
    """The link's proof is right, the passphrase's proof is wrong; with no tries left, the message is destroyed."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class UnexpectedPassphrase:
    """The caller sent a passphrase's proof, and the message has no passphrase: the caller's key would not open it."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The reader's lease has ended."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """The message is destroyed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What has become of the message. Times are Unix times in seconds."""

    state: State
    passphrase: bool
    reads_left: int
    at: float | None
    expires_at: float


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """The caller's proof is right, and there is only the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """The caller gets the question.

    Attributes:
        content: The question.
        ttl: Seconds that an answer will be kept.
        expires_at: Unix time in seconds until which the question can be answered.
    """

    content: str
    ttl: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is kept until `expires_at` (Unix time in seconds)."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class RepeatedAnswer:
    """The same answer was kept before; it may have been read since."""

    expires_at: float


@dataclass(frozen=True, slots=True)
class AlreadyAnswered:
    """Another answer was kept before."""


Outcome = (
    Created
    | Repeated
    | IdTaken
    | Granted
    | Missing
    | PassphraseRequired
    | WrongPassphrase
    | UnexpectedPassphrase
    | Acknowledged
    | Destroyed
    | Receipt
    | NotAnswered
    | Question
    | Answered
    | RepeatedAnswer
    | AlreadyAnswered
)
