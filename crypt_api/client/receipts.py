"""What the sender of a message learns of it: `Sent` when it is stored, and its `Receipt` from then on.

It is `Asked` for somebody who asks for a message, and a `Question` for somebody who is asked.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crypt_core.encoding import whole_number
from crypt_core.http.message_fields import MAX_READS

FIRST_YEAR, LAST_YEAR = 2000, 3000
"""Of the times that a service gives."""


@dataclass(frozen=True)
class Sent:
    """A message that was sent. Printing it does not show the link.

    Attributes:
        link: The link to the message. It holds the secret, and is all that the reader needs.
        expires_at: When the message expires, read or not.
    """

    link: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Asked:
    """A question that was stored. Printing it shows neither link.

    Attributes:
        answer_link: The answer link, for somebody who has the answer. It shows the question, and answers it.
        ask_link: The ask link, which alone reads the answer. Keep it, and send it to nobody.
        expires_at: Until when the question can be answered.
    """

    answer_link: str = field(repr=False)
    ask_link: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Question:
    """What somebody asks. Printing it does not show the text.

    Attributes:
        text: The question; it may be empty. The service does not know who asks.
        expires_at: Until when the question can be answered.
        answer_ttl: Seconds that the answer will be kept, from then on.
    """

    text: str = field(repr=False)
    expires_at: datetime
    answer_ttl: int


@dataclass(frozen=True)
class Receipt:
    """What has become of a sealed message, or of a question and its answer.

    Attributes:
        state: `unread`, `read` or `destroyed`; `asked` for a question without an answer.
        passphrase: Whether the message has a passphrase.
        reads_left: How often the message can still be read.
        at: When the message was last read, or destroyed; None before.
        expires_at: When the message expires, and its receipt with it.
    """

    state: str
    passphrase: bool
    reads_left: int
    at: datetime | None
    expires_at: datetime


def parse_receipt(fields: dict[str, Any]) -> Receipt:
    """Raises KeyError, TypeError, ValueError or OverflowError for fields that are not a receipt's."""
    at = None if fields["at"] is None else parse_time(fields["at"])
    expires_at = parse_time(fields["expires_at"])
    state, passphrase, reads_left = fields["state"], fields["passphrase"], whole_number(fields["reads_left"])
    if state not in ("asked", "unread", "read", "destroyed") or not isinstance(passphrase, bool):
        raise ValueError
    if reads_left is None or not 0 <= reads_left <= MAX_READS:
        raise ValueError
    return Receipt(state, passphrase, reads_left, at, expires_at)


def parse_time(text: str) -> datetime:
    """Raises TypeError or ValueError for a text that is not a service's time.

    Of the years that Python knows, the first and the last ones cannot be written in every time zone.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None or not FIRST_YEAR <= time.year < LAST_YEAR:
        raise ValueError
    return time
