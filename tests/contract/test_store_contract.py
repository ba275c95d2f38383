"""What every store promises, whatever it is made of."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypt_api.server.stores.memory import MemoryStore
from crypt_core.commands import Acknowledge, Answer, Command, Create, Destroy, GetQuestion, GetReceipt, Read
from crypt_core.lease import LEASE_SECONDS
from crypt_core.outcomes import (
    Acknowledged,
    AlreadyAnswered,
    Answered,
    Created,
    Granted,
    IdTaken,
    Missing,
    NotAnswered,
    Question,
    Receipt,
    Repeated,
    RepeatedAnswer,
    WrongPassphrase,
)
from crypt_core.record import AccessHashes
from crypt_core.store import Store
from tests.support.stores import STORES, Clock

DAY = 86_400  # seconds


@pytest.mark.parametrize("content", ["x", "žluťoučký 🐎", "\0", '{"a": "b"}', "\n ", "x" * 102_400, "\x01" * 102_400])
async def test_what_is_created_is_read_as_it_was(store: Store, content: str) -> None:
    assert isinstance(await store.apply("abc12", Create(content, DAY)), Created)
    assert await store.apply("abc12", Read()) == Granted(content)


async def test_a_second_read_finds_nothing(store: Store) -> None:
    await store.apply("abc12", Create("secret", DAY))
    await store.apply("abc12", Read())
    assert await store.apply("abc12", Read()) == Missing()


async def test_an_id_that_is_taken_keeps_its_message(store: Store) -> None:
    await store.apply("abc12", Create("first", DAY))
    assert await store.apply("abc12", Create("second", DAY)) == IdTaken()
    assert await store.apply("abc12", Read()) == Granted("first")


async def test_an_id_is_free_again_once_its_message_is_gone(store: Store, clock: Clock) -> None:
    await store.apply("abc12", Create("first", DAY))
    await store.apply("abc12", Read())
    assert await store.apply("abc12", Create("second", 60)) == Created(clock.now + 60)
    clock.now += 60
    assert await store.apply("abc12", Create("third", DAY)) == Created(clock.now + DAY)
    assert await store.apply("abc12", Read()) == Granted("third")


async def test_a_message_lives_to_the_end_of_its_time_and_no_longer(store: Store, clock: Clock) -> None:
    await store.apply("abc12", Create("a", 60))
    await store.apply("abc13", Create("b", 60))
    clock.now += 59.9
    assert await store.apply("abc12", Read()) == Granted("a")
    clock.now += 0.1
    assert isinstance(await store.apply("abc13", Read()), Missing)


async def test_of_32_readers_one_gets_it(store: Store) -> None:
    for number in range(100):
        await store.apply("abc12", Create(f"secret {number}", DAY))
        outcomes = await asyncio.gather(*(store.apply("abc12", Read()) for _ in range(32)))
        assert sorted(map(repr, outcomes)) == sorted([repr(Granted(f"secret {number}"))] + [repr(Missing())] * 31)


async def test_of_32_creators_one_gets_the_id(store: Store) -> None:
    for number in range(30):
        message_id = f"abc{number:02}"
        creates = [Create(f"secret {n}", DAY) for n in range(32)]
        outcomes = await asyncio.gather(*(store.apply(message_id, create) for create in creates))
        [winner] = [c for c, outcome in zip(creates, outcomes, strict=True) if isinstance(outcome, Created)]
        assert outcomes.count(IdTaken()) == 31
        assert await store.apply(message_id, Read()) == Granted(winner.content)


SEALED = Create("sealed", DAY, AccessHashes("proof"), 1, "request")
LOCKED = Create("sealed", DAY, AccessHashes("proof", "passphrase"), 1, "request")


async def test_the_same_request_creates_it_once(store: Store, clock: Clock) -> None:
    assert await store.apply("sealed", SEALED) == Created(clock.now + DAY)
    clock.now += 10
    assert await store.apply("sealed", SEALED) == Repeated(clock.now - 10 + DAY)
    assert await store.apply("sealed", replace(SEALED, request_hash="another")) == IdTaken()
    assert await store.apply("sealed", Read("proof")) == Granted("sealed")
    assert await store.apply("sealed", SEALED) == IdTaken()
    clock.now += DAY
    assert await store.apply("sealed", SEALED) == Created(clock.now + DAY)


@pytest.mark.parametrize("reads", [1, 2, 10])
async def test_it_has_as_many_readers_as_its_sender_allowed(store: Store, reads: int) -> None:
    for number in range(10):
        await store.apply(f"sealed{number}", replace(SEALED, reads=reads))
        outcomes = await asyncio.gather(*(store.apply(f"sealed{number}", Read("proof")) for _ in range(32)))
        assert outcomes.count(Granted("sealed")) == reads
        assert outcomes.count(Missing()) == 32 - reads


async def test_of_32_keys_one_gets_the_lease(store: Store, clock: Clock) -> None:
    for number in range(10):
        await store.apply(f"abc1{number}", Create("secret", DAY))
        reads = [Read(idempotency_hash=f"key {n}") for n in range(32)]
        outcomes = await asyncio.gather(*(store.apply(f"abc1{number}", read) for read in reads))
        assert outcomes.count(Granted("secret")) == 1
        leased = reads[outcomes.index(Granted("secret"))]
        clock.now += LEASE_SECONDS - 1
        again = await asyncio.gather(*(store.apply(f"abc1{number}", read) for read in reads))
        assert again == outcomes
        clock.now += 1
        assert await store.apply(f"abc1{number}", leased) == Missing()


@pytest.mark.parametrize("proof", ["wrong", None])
async def test_a_wrong_proof_is_an_unknown_id(store: Store, proof: str | None) -> None:
    await store.apply("sealed", LOCKED)
    for _ in range(20):
        assert await store.apply("sealed", Read(proof, "passphrase")) == Missing()
        assert await store.apply("sealed", Destroy(proof)) == Missing()
    assert await store.apply("sealed", Read("proof", "passphrase")) == Granted("sealed")


async def test_the_tenth_wrong_passphrase_destroys_it(store: Store) -> None:
    await store.apply("sealed", LOCKED)
    for left in range(9, -1, -1):
        assert await store.apply("sealed", Read("proof", "wrong")) == WrongPassphrase(left)
    assert await store.apply("sealed", Read("proof", "passphrase")) == Missing()
    receipt = await store.apply("sealed", GetReceipt("proof"))
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.reads_left) == ("destroyed", 0)


async def test_in_a_burst_of_guesses_there_is_never_an_eleventh(store: Store) -> None:
    for number in range(10):
        message_id = f"sealed{number}"
        await store.apply(message_id, LOCKED)
        guesses = [Read("proof", "wrong")] * 25 + [Read("proof", "passphrase")] + [Read("proof", "wrong")] * 25
        outcomes = await asyncio.gather(*(store.apply(message_id, guess) for guess in guesses))
        wrong = [outcome.tries_left for outcome in outcomes if isinstance(outcome, WrongPassphrase)]
        granted = outcomes.count(Granted("sealed"))
        # Either the right one came before the tenth wrong one, or it came too late.
        assert sorted(wrong, reverse=True) == list(range(9, 9 - len(wrong), -1))
        assert (granted == 1 and len(wrong) <= 9) or (granted == 0 and len(wrong) == 10)
        assert outcomes.count(Missing()) == 51 - granted - len(wrong)


QUESTION = Create("question", 90, AccessHashes("proof"), 1, "request", "answer proof")
ANSWER = Answer("answer", "answer proof", "answer")


async def test_an_answer_takes_the_place_of_its_question_for_a_life_of_its_own(store: Store, clock: Clock) -> None:
    assert await store.apply("asked", QUESTION) == Created(clock.now + 90)
    clock.now += 80
    assert await store.apply("asked", GetQuestion("answer proof")) == Question("question", 90, clock.now + 10)
    assert await store.apply("asked", Read("proof")) == NotAnswered()
    assert await store.apply("asked", ANSWER) == Answered(clock.now + 90)
    clock.now += 80  # the question's time would be up
    for _ in range(2):
        assert await store.apply("asked", ANSWER) == RepeatedAnswer(clock.now + 10)
        assert await store.apply("asked", GetQuestion("answer proof")) == AlreadyAnswered()
        assert await store.apply("asked", Read("proof", idempotency_hash="key")) == Granted("answer")
    assert await store.apply("asked", Read("proof")) == Missing()
    assert await store.apply("asked", Acknowledge("proof", "key")) == Acknowledged()
    assert await store.apply("asked", ANSWER) == RepeatedAnswer(clock.now + 10)
    clock.now += 10
    assert await store.apply("asked", ANSWER) == Missing()


async def test_of_16_answers_the_first_counts(store: Store) -> None:
    for number in range(10):
        await store.apply(f"asked{number}", QUESTION)
        answers = [Answer(f"answer {n}", "answer proof", f"answer {n}") for n in range(16)]
        outcomes = await asyncio.gather(*(store.apply(f"asked{number}", answer) for answer in answers))
        assert outcomes.count(AlreadyAnswered()) == 15
        [first] = [answer for answer, told in zip(answers, outcomes, strict=True) if isinstance(told, Answered)]
        assert await store.apply(f"asked{number}", Read("proof")) == Granted(first.content)


Step = tuple[str, Command] | float

accesses = st.sampled_from([None, AccessHashes("proof"), AccessHashes("proof", "passphrase")])
keys = st.sampled_from([None, "key a", "key b"])
proofs = st.sampled_from([None, "proof", "proof", "wrong"])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        Create,
        st.sampled_from("xy"),
        st.sampled_from([60, 150]),
        accesses,
        st.integers(1, 2),
        st.sampled_from(["", "request"]),
    ),
    st.builds(Read, proofs, st.sampled_from([None, "passphrase", "wrong"]), keys),
    st.builds(Read),
    st.builds(Destroy, proofs),
    st.builds(Acknowledge, proofs, st.sampled_from(["key a", "key b"])),
    st.builds(GetReceipt, st.sampled_from(["proof", "wrong", "answer proof"])),
    st.just(QUESTION),
    st.builds(GetQuestion, st.sampled_from(["proof", "answer proof"])),
    st.builds(Answer, st.just("z"), st.sampled_from(["proof", "answer proof"]), st.sampled_from(["answer", "another"])),
)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(st.tuples(st.sampled_from(["abc12", "abc13"]), commands), st.sampled_from([1.5, 30.0, 60.0])), max_size=60
)


@pytest.mark.parametrize("name", [name for name in STORES if name != "memory"])
@given(steps=steps)
async def test_every_store_does_what_the_reference_does(name: str, steps: list[Step]) -> None:
    clock = Clock()
    reference = MemoryStore(clock)
    with tempfile.TemporaryDirectory() as folder, STORES[name](Path(folder), clock) as store:
        for step in steps:
            if isinstance(step, float):
                clock.now += step
            else:
                assert await store.apply(*step) == await reference.apply(*step)
