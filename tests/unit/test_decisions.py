"""All decisions in tables: what each command does to each record, and what the caller is told.

A row is a record: its kind, how many reads are left, and who has a lease. `sealed 1A` is a sealed message with one read
left, which was read once with the idempotency key A; `+60s` says that the lease is over. A column is a command.
A cell is the outcome and, behind the arrow, the record that is kept; without an arrow the record stays as it is.
A dot is `Missing`: the caller cannot tell the record from nothing.

`test_messages.py` walks through these decisions at random, over time.
"""

import pytest

from crypt_core.commands import Acknowledge, Answer, Command, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS, Lease
from crypt_core.messages import decide, expire
from crypt_core.outcomes import (
    Answered,
    Created,
    Granted,
    Missing,
    Outcome,
    PassphraseRequired,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    WrongPassphrase,
)
from crypt_core.record import AccessHashes, Record

NOW = 1_800_000_000.0
TTL = 3_600
END = NOW + TTL
SOON = NOW + 60
A, B, A_OVER = Lease("A", NOW + LEASE_SECONDS), Lease("B", NOW + LEASE_SECONDS), Lease("A", NOW)
LINK = AccessHashes("proof")
LOCK = AccessHashes("proof", "passphrase")
OLD_LOCK = AccessHashes("proof", "")  # a tombstone keeps only that there was a passphrase

RECORDS: dict[str, Record | None] = {
    "nothing": None,
    "plain 1": Record("text", END),
    "plain 0A": Record("text", END, reads_left=0, leases=(A,), state="read", at=NOW),
    "sealed 2": Record("text", END, LINK, "request", 2),
    "sealed 1": Record("text", END, LINK, "request", 1, state="read", at=NOW),
    "sealed 1A": Record("text", END, LINK, "request", 1, leases=(A,), state="read", at=NOW),
    "sealed 1A +60s": Record("text", END, LINK, "request", 1, leases=(A_OVER,), state="read", at=NOW),
    "sealed 0A": Record("text", END, LINK, "request", 0, leases=(A,), state="read", at=NOW),
    "sealed, read": Record(None, END, LINK, "", 0, 0, state="read", at=NOW),
    "sealed, destroyed": Record(None, END, LINK, "", 0, 0, state="destroyed", at=NOW),
    "locked 1": Record("text", END, LOCK, "request"),
    "locked 1, last try": Record("text", END, LOCK, "request", tries_left=1),
    "locked 0A": Record("text", END, LOCK, "request", 0, leases=(A,), state="read", at=NOW),
    "locked, read": Record(None, END, OLD_LOCK, "", 0, 0, state="read", at=NOW),
    "locked, destroyed": Record(None, END, OLD_LOCK, "", 0, 0, state="destroyed", at=NOW),
    "asked": Record("question", SOON, LINK, "question", state="asked", answer_hash="answer proof", answer_ttl=TTL),
    "answered": Record("text", END, LINK, "answer", answer_hash="answer proof"),
    "answered 0A": Record("text", END, LINK, "answer", 0, 10, (A,), "read", NOW, "answer proof"),
    "answered, read": Record(None, END, LINK, "answer", 0, 0, (), "read", NOW, "answer proof"),
    "asked, destroyed": Record(None, SOON, LINK, "", 0, 0, (), "destroyed", NOW, "answer proof"),
}
"""The rows. `locked` is a sealed message with a passphrase, `asked` a question, `answered` a sealed message that is the
answer to one. The question is up soon; its answer lives as long as a new message."""

AFTERWARDS = RECORDS | {
    "plain 0B": Record("text", END, reads_left=0, leases=(B,), state="read", at=NOW),
    "another, sealed 2": Record("text", END, LINK, "another request", 2),
    "sealed 1B": Record("text", END, LINK, "request", 1, leases=(B,), state="read", at=NOW),
    "sealed 0B": Record("text", END, LINK, "request", 0, leases=(B,), state="read", at=NOW),
    "sealed 0AB": Record("text", END, LINK, "request", 0, leases=(A, B), state="read", at=NOW),
    "locked 0A, last try": Record("text", END, LOCK, "request", 0, 1, leases=(A,), state="read", at=NOW),
    "locked 1, 9 tries": Record("text", END, LOCK, "request", tries_left=9),
    "locked 0A, 9 tries": Record("text", END, LOCK, "request", 0, 9, leases=(A,), state="read", at=NOW),
    "asked, new": Record("question", END, LINK, "question", state="asked", answer_hash="answer proof", answer_ttl=TTL),
    "answered 0B": Record("text", END, LINK, "answer", 0, 10, (B,), "read", NOW, "answer proof"),
    "another, answered": Record("text", END, LINK, "another answer", answer_hash="answer proof"),
    "answered, destroyed": Record(None, END, LINK, "", 0, 0, (), "destroyed", NOW, "answer proof"),
}
"""What a record can become, besides the rows."""

COMMANDS: dict[str, Command] = {
    "Create plain": Create("text", TTL),
    "Create sealed": Create("text", TTL, LINK, 2, "request"),
    "Create another": Create("text", TTL, LINK, 2, "another request"),
    "Create asked": Create("question", TTL, LINK, 1, "question", "answer proof"),
    "Read": Read(),
    "Read, A": Read(idempotency_hash="A"),
    "Read, B": Read(idempotency_hash="B"),
    "Read, proof": Read("proof"),
    "Read, proof, A": Read("proof", idempotency_hash="A"),
    "Read, proof, B": Read("proof", idempotency_hash="B"),
    "Read, wrong proof, A": Read("wrong", idempotency_hash="A"),
    "Read, passphrase": Read("proof", "passphrase"),
    "Read, passphrase, A": Read("proof", "passphrase", "A"),
    "Read, wrong proof, passphrase": Read("wrong", "passphrase", "A"),
    "Read, wrong passphrase": Read("proof", "wrong"),
    "Read, wrong passphrase, A": Read("proof", "wrong", "A"),
    "Acknowledge, A": Acknowledge(None, "A"),
    "Acknowledge, proof, A": Acknowledge("proof", "A"),
    "Acknowledge, proof, B": Acknowledge("proof", "B"),
    "Acknowledge, wrong": Acknowledge("wrong", "A"),
    "Destroy": Destroy(),
    "Destroy, proof": Destroy("proof"),
    "Destroy, wrong proof": Destroy("wrong"),
    "GetReceipt, proof": GetReceipt("proof"),
    "GetReceipt, wrong proof": GetReceipt("wrong"),
    "GetReceipt, answer proof": GetReceipt("answer proof"),
    "GetQuestion, proof": GetQuestion("proof"),
    "GetQuestion, answer proof": GetQuestion("answer proof"),
    "Read, answer proof": Read("answer proof"),
    "Destroy, answer proof": Destroy("answer proof"),
    "Answer": Answer("text", "answer proof", "answer"),
    "Answer another": Answer("text", "answer proof", "another answer"),
    "Answer, proof": Answer("text", "proof", "answer"),
    "Answer, no proof": Answer("text", "", "answer"),
}
"""The columns."""

TABLES = [
    """
record             | Create plain      | Create sealed      | Create another              | Create asked
nothing            | Created → plain 1 | Created → sealed 2 | Created → another, sealed 2 | Created → asked, new
plain 1            | IdTaken           | IdTaken            | IdTaken                     | IdTaken
plain 0A           | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed 2           | IdTaken           | Repeated           | IdTaken                     | IdTaken
sealed 1           | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed 1A          | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed 1A +60s     | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed 0A          | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed, read       | IdTaken           | IdTaken            | IdTaken                     | IdTaken
sealed, destroyed  | IdTaken           | IdTaken            | IdTaken                     | IdTaken
locked 1           | IdTaken           | Repeated           | IdTaken                     | IdTaken
locked 1, last try | IdTaken           | Repeated           | IdTaken                     | IdTaken
locked 0A          | IdTaken           | IdTaken            | IdTaken                     | IdTaken
locked, read       | IdTaken           | IdTaken            | IdTaken                     | IdTaken
locked, destroyed  | IdTaken           | IdTaken            | IdTaken                     | IdTaken
asked              | IdTaken           | IdTaken            | IdTaken                     | Repeated
answered           | IdTaken           | IdTaken            | IdTaken                     | IdTaken
answered 0A        | IdTaken           | IdTaken            | IdTaken                     | IdTaken
answered, read     | IdTaken           | IdTaken            | IdTaken                     | IdTaken
asked, destroyed   | IdTaken           | IdTaken            | IdTaken                     | IdTaken
""",
    """
record             | Read              | Read, A            | Read, B
nothing            | .                 | .                  | .
plain 1            | Granted → nothing | Granted → plain 0A | Granted → plain 0B
plain 0A           | .                 | Granted            | .
sealed 2           | .                 | .                  | .
sealed 1           | .                 | .                  | .
sealed 1A          | .                 | .                  | .
sealed 1A +60s     | .                 | .                  | .
sealed 0A          | .                 | .                  | .
sealed, read       | .                 | .                  | .
sealed, destroyed  | .                 | .                  | .
locked 1           | .                 | .                  | .
locked 1, last try | .                 | .                  | .
locked 0A          | .                 | .                  | .
locked, read       | .                 | .                  | .
locked, destroyed  | .                 | .                  | .
asked              | .                 | .                  | .
answered           | .                 | .                  | .
answered 0A        | .                 | .                  | .
answered, read     | .                 | .                  | .
asked, destroyed   | .                 | .                  | .
""",
    """
record             | Read, proof              | Read, proof, A        | Read, proof, B        | Read, wrong proof, A
nothing            | .                        | .                     | .                     | .
plain 1            | .                        | .                     | .                     | .
plain 0A           | .                        | .                     | .                     | .
sealed 2           | Granted → sealed 1       | Granted → sealed 1A   | Granted → sealed 1B   | .
sealed 1           | Granted → sealed, read   | Granted → sealed 0A   | Granted → sealed 0B   | .
sealed 1A          | Granted → sealed 0A      | Granted               | Granted → sealed 0AB  | .
sealed 1A +60s     | Granted → sealed, read   | Granted → sealed 0A   | Granted → sealed 0B   | .
sealed 0A          | .                        | Granted               | .                     | .
sealed, read       | .                        | .                     | .                     | .
sealed, destroyed  | .                        | .                     | .                     | .
locked 1           | PassphraseRequired 10    | PassphraseRequired 10 | PassphraseRequired 10 | .
locked 1, last try | PassphraseRequired 1     | PassphraseRequired 1  | PassphraseRequired 1  | .
locked 0A          | .                        | PassphraseRequired 10 | .                     | .
locked, read       | .                        | .                     | .                     | .
locked, destroyed  | .                        | .                     | .                     | .
asked              | NotAnswered              | NotAnswered           | NotAnswered           | .
answered           | Granted → answered, read | Granted → answered 0A | Granted → answered 0B | .
answered 0A        | .                        | Granted               | .                     | .
answered, read     | .                        | .                     | .                     | .
asked, destroyed   | .                        | .                     | .                     | .
""",
    """
record             | Read, passphrase       | Read, passphrase, A           | Read, wrong proof, passphrase
nothing            | .                      | .                             | .
plain 1            | .                      | .                             | .
plain 0A           | .                      | .                             | .
sealed 2           | UnexpectedPassphrase   | UnexpectedPassphrase          | .
sealed 1           | UnexpectedPassphrase   | UnexpectedPassphrase          | .
sealed 1A          | UnexpectedPassphrase   | UnexpectedPassphrase          | .
sealed 1A +60s     | UnexpectedPassphrase   | UnexpectedPassphrase          | .
sealed 0A          | .                      | UnexpectedPassphrase          | .
sealed, read       | .                      | .                             | .
sealed, destroyed  | .                      | .                             | .
locked 1           | Granted → locked, read | Granted → locked 0A           | .
locked 1, last try | Granted → locked, read | Granted → locked 0A, last try | .
locked 0A          | .                      | Granted                       | .
locked, read       | .                      | .                             | .
locked, destroyed  | .                      | .                             | .
asked              | NotAnswered            | NotAnswered                   | .
answered           | UnexpectedPassphrase   | UnexpectedPassphrase          | .
answered 0A        | .                      | UnexpectedPassphrase          | .
answered, read     | .                      | .                             | .
asked, destroyed   | .                      | .                             | .
""",
    """
record             | Read, wrong passphrase                | Read, wrong passphrase, A
nothing            | .                                     | .
plain 1            | .                                     | .
plain 0A           | .                                     | .
sealed 2           | UnexpectedPassphrase                  | UnexpectedPassphrase
sealed 1           | UnexpectedPassphrase                  | UnexpectedPassphrase
sealed 1A          | UnexpectedPassphrase                  | UnexpectedPassphrase
sealed 1A +60s     | UnexpectedPassphrase                  | UnexpectedPassphrase
sealed 0A          | .                                     | UnexpectedPassphrase
sealed, read       | .                                     | .
sealed, destroyed  | .                                     | .
locked 1           | WrongPassphrase 9 → locked 1, 9 tries | WrongPassphrase 9 → locked 1, 9 tries
locked 1, last try | WrongPassphrase 0 → locked, destroyed | WrongPassphrase 0 → locked, destroyed
locked 0A          | .                                     | WrongPassphrase 9 → locked 0A, 9 tries
locked, read       | .                                     | .
locked, destroyed  | .                                     | .
asked              | NotAnswered                           | NotAnswered
answered           | UnexpectedPassphrase                  | UnexpectedPassphrase
answered 0A        | .                                     | UnexpectedPassphrase
answered, read     | .                                     | .
asked, destroyed   | .                                     | .
""",
    """
record             | Acknowledge, A         | Acknowledge, proof, A         | Acknowledge, proof, B | Acknowledge, wrong
nothing            | .                      | .                             | .                     | .
plain 1            | .                      | .                             | .                     | .
plain 0A           | Acknowledged → nothing | .                             | .                     | .
sealed 2           | .                      | .                             | .                     | .
sealed 1           | .                      | .                             | .                     | .
sealed 1A          | .                      | Acknowledged → sealed 1       | .                     | .
sealed 1A +60s     | .                      | .                             | .                     | .
sealed 0A          | .                      | Acknowledged → sealed, read   | .                     | .
sealed, read       | .                      | .                             | .                     | .
sealed, destroyed  | .                      | .                             | .                     | .
locked 1           | .                      | .                             | .                     | .
locked 1, last try | .                      | .                             | .                     | .
locked 0A          | .                      | Acknowledged → locked, read   | .                     | .
locked, read       | .                      | .                             | .                     | .
locked, destroyed  | .                      | .                             | .                     | .
asked              | .                      | .                             | .                     | .
answered           | .                      | .                             | .                     | .
answered 0A        | .                      | Acknowledged → answered, read | .                     | .
answered, read     | .                      | .                             | .                     | .
asked, destroyed   | .                      | .                             | .                     | .
""",
    """
record             | Destroy             | Destroy, proof                  | Destroy, wrong proof
nothing            | .                   | .                               | .
plain 1            | Destroyed → nothing | .                               | .
plain 0A           | .                   | .                               | .
sealed 2           | .                   | Destroyed → sealed, destroyed   | .
sealed 1           | .                   | Destroyed → sealed, read        | .
sealed 1A          | .                   | Destroyed → sealed, read        | .
sealed 1A +60s     | .                   | Destroyed → sealed, read        | .
sealed 0A          | .                   | .                               | .
sealed, read       | .                   | .                               | .
sealed, destroyed  | .                   | .                               | .
locked 1           | .                   | Destroyed → locked, destroyed   | .
locked 1, last try | .                   | Destroyed → locked, destroyed   | .
locked 0A          | .                   | .                               | .
locked, read       | .                   | .                               | .
locked, destroyed  | .                   | .                               | .
asked              | .                   | Destroyed → asked, destroyed    | .
answered           | .                   | Destroyed → answered, destroyed | .
answered 0A        | .                   | .                               | .
answered, read     | .                   | .                               | .
asked, destroyed   | .                   | .                               | .
""",
    """
record             | GetReceipt, proof     | GetReceipt, wrong proof | GetReceipt, answer proof
nothing            | .                     | .                       | .
plain 1            | .                     | .                       | .
plain 0A           | .                     | .                       | .
sealed 2           | Receipt: unread, 2    | .                       | .
sealed 1           | Receipt: read, 1      | .                       | .
sealed 1A          | Receipt: read, 1      | .                       | .
sealed 1A +60s     | Receipt: read, 1      | .                       | .
sealed 0A          | Receipt: read, 0      | .                       | .
sealed, read       | Receipt: read, 0      | .                       | .
sealed, destroyed  | Receipt: destroyed, 0 | .                       | .
locked 1           | Receipt: unread, 1    | .                       | .
locked 1, last try | Receipt: unread, 1    | .                       | .
locked 0A          | Receipt: read, 0      | .                       | .
locked, read       | Receipt: read, 0      | .                       | .
locked, destroyed  | Receipt: destroyed, 0 | .                       | .
asked              | Receipt: asked, 1     | .                       | Receipt: asked, 1
answered           | Receipt: unread, 1    | .                       | Receipt: unread, 1
answered 0A        | Receipt: read, 0      | .                       | Receipt: read, 0
answered, read     | Receipt: read, 0      | .                       | Receipt: read, 0
asked, destroyed   | Receipt: destroyed, 0 | .                       | Receipt: destroyed, 0
""",
    """
record             | GetQuestion, proof | GetQuestion, answer proof | Read, answer proof | Destroy, answer proof
nothing            | .                  | .                         | .                  | .
plain 1            | .                  | .                         | .                  | .
plain 0A           | .                  | .                         | .                  | .
sealed 2           | .                  | .                         | .                  | .
sealed 1           | .                  | .                         | .                  | .
sealed 1A          | .                  | .                         | .                  | .
sealed 1A +60s     | .                  | .                         | .                  | .
sealed 0A          | .                  | .                         | .                  | .
sealed, read       | .                  | .                         | .                  | .
sealed, destroyed  | .                  | .                         | .                  | .
locked 1           | .                  | .                         | .                  | .
locked 1, last try | .                  | .                         | .                  | .
locked 0A          | .                  | .                         | .                  | .
locked, read       | .                  | .                         | .                  | .
locked, destroyed  | .                  | .                         | .                  | .
asked              | .                  | Question                  | .                  | .
answered           | .                  | AlreadyAnswered           | .                  | .
answered 0A        | .                  | AlreadyAnswered           | .                  | .
answered, read     | .                  | AlreadyAnswered           | .                  | .
asked, destroyed   | .                  | .                         | .                  | .
""",
    """
record             | Answer              | Answer another               | Answer, proof | Answer, no proof
nothing            | .                   | .                            | .             | .
plain 1            | .                   | .                            | .             | .
plain 0A           | .                   | .                            | .             | .
sealed 2           | .                   | .                            | .             | .
sealed 1           | .                   | .                            | .             | .
sealed 1A          | .                   | .                            | .             | .
sealed 1A +60s     | .                   | .                            | .             | .
sealed 0A          | .                   | .                            | .             | .
sealed, read       | .                   | .                            | .             | .
sealed, destroyed  | .                   | .                            | .             | .
locked 1           | .                   | .                            | .             | .
locked 1, last try | .                   | .                            | .             | .
locked 0A          | .                   | .                            | .             | .
locked, read       | .                   | .                            | .             | .
locked, destroyed  | .                   | .                            | .             | .
asked              | Answered → answered | Answered → another, answered | .             | .
answered           | RepeatedAnswer      | AlreadyAnswered              | .             | .
answered 0A        | RepeatedAnswer      | AlreadyAnswered              | .             | .
answered, read     | RepeatedAnswer      | AlreadyAnswered              | .             | .
asked, destroyed   | .                   | .                            | .             | .
""",
]


def told(outcome: Outcome, after: Record | None) -> str:
    """The outcome as the tables write it. What they leave out is the same everywhere, and is checked here."""
    match outcome:
        case Missing():
            return "."
        case Granted(content):
            assert content == "text"
        case Created(expires_at) | Repeated(expires_at) | Answered(expires_at) | RepeatedAnswer(expires_at):
            assert after is not None
            assert expires_at == after.expires_at
        case Question():
            assert outcome == Question("question", TTL, SOON)
        case WrongPassphrase(tries_left) | PassphraseRequired(tries_left):
            return f"{type(outcome).__name__} {tries_left}"
        case Receipt():
            assert after is not None
            assert after.access is not None
            assert outcome.passphrase == (after.access.passphrase_hash is not None)
            assert (outcome.at, outcome.expires_at) == (after.at, after.expires_at)
            return f"Receipt: {outcome.state}, {outcome.reads_left}"
    return type(outcome).__name__


def cell(record: Record | None, command: Command) -> str:
    after, outcome = decide(record, command, NOW)
    if after == record:
        return told(outcome, after)
    [name] = [name for name, other in AFTERWARDS.items() if other == after]
    return f"{told(outcome, after)} → {name}"


def columns(table: str) -> list[str]:
    """The commands of a table, from its first line."""
    return [name.strip() for name in table.strip().partition("\n")[0].split("|")[1:]]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: columns(table)[0])
def test_each_command_does_to_each_record_what_the_table_says(table: str) -> None:
    names = columns(table)
    rows = [["record", *names]]
    rows += [[name, *(cell(record, COMMANDS[command]) for command in names)] for name, record in RECORDS.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    assert "\n".join(lines) == table.strip()


def test_the_tables_have_every_command() -> None:
    assert [name for table in TABLES for name in columns(table)] == list(COMMANDS)


OVER: dict[str, tuple[Record, str]] = {
    "expired unread": (Record("text", NOW, LINK, "request", 2), "nothing"),
    "expired tombstone": (Record(None, NOW, LINK, "", 0, 0, state="read", at=NOW - 1), "nothing"),
    "plain 0A +60s": (Record("text", END, reads_left=0, leases=(A_OVER,), state="read", at=NOW), "nothing"),
    "sealed 0A +60s": (Record("text", END, LINK, "request", 0, leases=(A_OVER,), state="read", at=NOW), "sealed, read"),
    "locked 0A +60s": (Record("text", END, LOCK, "request", 0, leases=(A_OVER,), state="read", at=NOW), "locked, read"),
    "asked +60s": (
        Record("question", NOW, LINK, "question", state="asked", answer_hash="answer proof", answer_ttl=TTL),
        "nothing",
    ),
    "answered 0A +60s": (
        Record("text", END, LINK, "answer", 0, 10, (A_OVER,), "read", NOW, "answer proof"),
        "answered, read",
    ),
}
"""Records whose time is up, and what is left of each."""


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_record_whose_time_is_up_is_what_is_left_of_it(name: str, command: str) -> None:
    record, left = OVER[name]
    assert expire(record, NOW) == RECORDS[left]
    assert decide(record, COMMANDS[command], NOW) == decide(RECORDS[left], COMMANDS[command], NOW)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_whose_time_is_not_up_stays_as_it_is(name: str) -> None:
    record = RECORDS[name]
    assert record is None or expire(record, NOW) is record
