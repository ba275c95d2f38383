"""From a body's fields to the command that creates a message."""

from typing import Any

import pytest

from crypt_core.commands import Create
from crypt_core.encoding import digest
from crypt_core.http.body import parse_json
from crypt_core.http.errors import ApiError
from crypt_core.http.message_fields import (
    MAX_ANSWER_BYTES,
    MAX_ENVELOPE_BYTES,
    MAX_READS,
    answer,
    plain_message,
    sealed_message,
)
from crypt_core.record import AccessHashes
from crypt_core.settings import Settings
from tests.support.bodies import LIMIT, PLAIN, REFUSED_PLAIN, REFUSED_SEALED

DAY = 86_400  # seconds
HASH = digest(b"a proof")
OTHER_HASH = digest(b"another proof")
SEALED: dict[str, Any] = {"message": "envelope", "proof_hash": HASH}


@pytest.mark.parametrize("case", PLAIN)
def test_a_message_stays_as_it_was_sent(case: str) -> None:
    body, message = PLAIN[case]
    assert plain_message(parse_json(body), Settings()).content == message


@pytest.mark.parametrize("case", [case for case, (_, (status, _)) in REFUSED_PLAIN.items() if status == 400])
def test_a_plain_message_is_refused_with_its_own_error(case: str) -> None:
    body, error = REFUSED_PLAIN[case]
    with pytest.raises(ApiError) as raised:
        plain_message(parse_json(body), Settings())
    assert (raised.value.status, raised.value.text) == error


@pytest.mark.parametrize("case", REFUSED_SEALED)
def test_a_sealed_message_is_refused_with_its_own_error(case: str) -> None:
    change, error = REFUSED_SEALED[case]
    with pytest.raises(ApiError) as raised:
        sealed_message(SEALED | change, Settings())
    assert (raised.value.status, raised.value.text) == error


@pytest.mark.parametrize(
    ("fields", "ttl"),
    [({}, DAY), ({"ttl": 60}, 60), ({"ttl": 60.0}, 60), ({"ttl": DAY}, DAY)],
)
def test_a_plain_message_lives_for_a_day_unless_its_sender_says_less(fields: dict[str, Any], ttl: int) -> None:
    command = plain_message({"message": "text"} | fields, Settings())
    assert command == Create("text", ttl)
    assert type(command.ttl) is int


@pytest.mark.parametrize(("max_ttl", "ttl"), [(3_600, 3_600), (10 * DAY, DAY)])
def test_the_operator_decides_how_long_a_message_may_live(max_ttl: int, ttl: int) -> None:
    settings = Settings(max_ttl=max_ttl)
    assert plain_message({"message": "text"}, settings).ttl == ttl
    assert plain_message({"message": "text", "ttl": max_ttl}, settings).ttl == max_ttl
    with pytest.raises(ApiError) as raised:
        sealed_message(SEALED | {"ttl": max_ttl + 1}, settings)
    assert raised.value.text == f"Field 'ttl' must be a whole number of seconds from 60 to {max_ttl}"


@pytest.mark.parametrize(
    ("create", "limit", "fields"),
    [
        (plain_message, LIMIT, {}),
        (sealed_message, MAX_ENVELOPE_BYTES, SEALED),
        (lambda fields, _: answer(fields, HASH), MAX_ANSWER_BYTES, {}),
    ],
)
def test_a_message_has_a_limit_in_bytes(create: Any, limit: int, fields: dict[str, Any]) -> None:
    longest = "é" * (limit // 2)
    assert create(fields | {"message": longest}, Settings()).content == longest
    for message in (longest + "x", "x" * (limit + 1)):
        with pytest.raises(ApiError) as raised:
            create(fields | {"message": message}, Settings())
        assert raised.value.status == 413


def test_a_sealed_message_has_the_hashes_and_as_many_readers_as_its_sender_says() -> None:
    command = sealed_message(SEALED, Settings())
    assert (command.content, command.ttl, command.access, command.reads) == ("envelope", DAY, AccessHashes(HASH), 1)
    fields = {"passphrase_hash": OTHER_HASH, "reads": MAX_READS, "ttl": 3_600}
    command = sealed_message(SEALED | fields, Settings())
    assert (command.ttl, command.access, command.reads) == (3_600, AccessHashes(HASH, OTHER_HASH), MAX_READS)


def test_the_same_request_is_recognized_and_no_other_one() -> None:
    different: list[dict[str, Any]] = [
        {},
        {"message": "another"},
        {"proof_hash": OTHER_HASH},
        {"passphrase_hash": HASH},
        {"passphrase_hash": OTHER_HASH},
        {"ttl": 3_600},
        {"reads": 2},
        {"answer_hash": HASH},
        {"answer_hash": OTHER_HASH},
    ]
    hashes = [sealed_message(SEALED | change, Settings()).request_hash for change in different]
    assert len(set(hashes)) == len(different)
    # Fields that say what is so by default make no difference.
    same = sealed_message({"reads": 1.0, "ttl": DAY} | SEALED, Settings())
    assert same.request_hash == hashes[0]
    # Stored records have it, so it stays the same from one deployment to the next.
    assert hashes[0] == "YezawVa2YknY9s-vtie0kNDgk3JIhPRQobsInXWRLso"


@pytest.mark.parametrize("fields", [None, [], "message", 1, {}])
def test_what_is_not_an_object_has_no_message(fields: Any) -> None:
    for create in (plain_message, sealed_message):
        with pytest.raises(ApiError) as raised:
            create(fields, Settings())
        assert raised.value.text == "Field 'message' is required and cannot be empty"


def test_an_unknown_field_is_named_but_not_at_any_length() -> None:
    with pytest.raises(ApiError) as raised:
        sealed_message(SEALED | {"x" * 60: 1}, Settings())
    assert raised.value.text == f"Unknown field '{'x' * 50}'"
