"""How records are written down: a record outlives a deployment, so from the first release on the text is frozen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_core.lease import Lease
from crypt_core.record import AccessHashes, Record, UnreadableRecord, decode, encode

PROOF = '"access": ["proof", null]'
LOCK = '"access": ["proof", "passphrase"]'
OLD_LOCK = '"access": ["proof", ""]'
LEASES = '"leases": [["a", 65], ["b", 70]]'

WRITTEN = {
    '{"content": "text", "expires_at": 100.5}': Record("text", 100.5),
    '{"content": "žluťoučký 🐎\\u0000", "expires_at": 100}': Record("žluťoučký 🐎\0", 100),
    '{"content": "text", "expires_at": 100, ' + PROOF + ', "request_hash": "request", "reads_left": 3}': Record(
        "text", 100, AccessHashes("proof"), "request", 3
    ),
    '{"content": "text", "expires_at": 100, ' + LOCK + ', "tries_left": 9}': Record(
        "text", 100, AccessHashes("proof", "passphrase"), tries_left=9
    ),
    '{"content": "text", "expires_at": 100, "reads_left": 0, ' + LEASES + ', "state": "read", "at": 5}': Record(
        "text", 100, reads_left=0, leases=(Lease("a", 65), Lease("b", 70)), state="read", at=5
    ),
    '{"content": null, "expires_at": 9, ' + OLD_LOCK + ', "reads_left": 0, "tries_left": 0, '
    '"state": "destroyed", "at": 5}': Record(
        None, 9, AccessHashes("proof", ""), reads_left=0, tries_left=0, state="destroyed", at=5
    ),
    '{"content": "question", "expires_at": 9, ' + PROOF + ', "state": "asked", "answer_hash": "a", "answer_ttl": 60}': (
        Record("question", 9, AccessHashes("proof"), state="asked", answer_hash="a", answer_ttl=60)
    ),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_record_is_written_as_ever(text: str) -> None:
    assert encode(WRITTEN[text]) == text


@pytest.mark.parametrize("text", WRITTEN)
def test_a_record_that_was_written_is_read(text: str) -> None:
    assert decode(text) == WRITTEN[text]


records = st.builds(
    Record,
    content=st.none() | st.text(),
    expires_at=st.floats(0, 1e11),
    access=st.none() | st.builds(AccessHashes, st.text(), st.none() | st.text()),
    request_hash=st.text(),
    reads_left=st.integers(0, 100),
    tries_left=st.integers(0, 10),
    leases=st.lists(st.builds(Lease, st.text(), st.floats(0, 1e11)), max_size=3).map(tuple),
    state=st.sampled_from(["asked", "unread", "read", "destroyed"]),
    at=st.none() | st.floats(0, 1e11),
    answer_hash=st.text(),
    answer_ttl=st.integers(0, 100),
)


@given(records)
def test_whatever_is_written_is_read(record: Record) -> None:
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("record", "due_at"),
    [
        (Record("text", 100), 100),
        (Record(None, 100, reads_left=0), 100),
        (Record("text", 100, reads_left=0, leases=(Lease("a", 60),)), 60),
        (Record("text", 100, reads_left=0, leases=(Lease("a", 60), Lease("b", 70))), 70),
        (Record("text", 100, reads_left=0, leases=(Lease("a", 160),)), 100),
        (Record("text", 100, reads_left=1, leases=(Lease("a", 60),)), 100),  # it can still be read after the lease
        (Record(None, 100, reads_left=0, leases=(Lease("a", 60),)), 100),
    ],
)
def test_a_record_is_due_when_it_expires_or_its_last_lease_ends(record: Record, due_at: float) -> None:
    assert record.due_at == due_at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        '{"content": "a secret"}',
        '{"content": "a secret", "expires_at": "a secret"}',
        '{"content": "a secret", "expires_at": 1, "reads_left": "a secret"}',
        '{"content": "a secret", "expires_at": 1, "leases": [["a secret"]]}',
        '{"content": "a secret", "expires_at": 1, "answer_ttl": "a secret"}',
        '{"content": "a secret", "expires_at": 1, "a newer field": 1}',
        '{"content": "a secret", "expires_at": 1, "seal": ["a secret", null]}',  # before the first release
        "[" * 100_000,
        '{"content": 5, "expires_at": 100}',
        '{"content": "\\ud800", "expires_at": 100}',
        '{"content": "secret", "expires_at": 100, "leases": [["a", "b"]]}',
    ],
)
def test_what_is_no_record_is_told_without_its_text(text: str) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
