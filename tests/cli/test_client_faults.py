"""The Python client over a network that loses answers, and with servers that are not this service."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from crypt_api import Client, Message, errors
from tests.support.platforms import Platform
from tests.support.transports import Faulty

Wait = httpx.Response(503, json={"error": "Storage unavailable"}, headers={"Retry-After": "5"})
Limited = httpx.Response(429, json={"error": "Rate limit exceeded"}, headers={"Retry-After": "1"})


@pytest.fixture
def faulty(platform: Platform) -> Iterator[Callable[[list[Any]], tuple[Client, Faulty, list[float]]]]:
    clients: list[Client] = []

    def make(faults: list[Any]) -> tuple[Client, Faulty, list[float]]:
        transport = Faulty(platform, faults)
        pauses: list[float] = []
        clients.append(Client(platform.url, transport=transport, sleep=pauses.append))
        return clients[-1], transport, pauses

    yield make
    for client in clients:
        client.close()


def test_a_lost_answer_to_send_makes_no_second_message(faulty: Any) -> None:
    client, transport, pauses = faulty(["lost", "lost"])
    link = client.send("secret").link
    assert transport.requests == ["PUT"] * 3
    assert pauses == [0.25, 0.5]
    assert client.read(link).text == "secret"


def test_a_lost_answer_to_read_loses_no_message(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost", "lost", "lost"]
    assert client.read(link).text == "secret"
    transport.requests.clear()
    plain = client.create_plain("secret")
    transport.faults = ["lost"]
    assert client.read_plain(plain) == "secret"


def test_a_reader_is_patient_if_the_message_may_be_leased_to_it(faulty: Any) -> None:
    client, transport, pauses = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost"] * 7
    assert client.read(link).text == "secret"
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    link = client.send("secret").link
    transport.faults = ["lost"] * 8
    with pytest.raises(errors.AnswerLost):
        client.read(link)
    transport.requests.clear()
    transport.faults = [httpx.ConnectError("refused")] * 8
    with pytest.raises(errors.Unavailable) as error:
        client.read(link)
    assert (type(error.value), len(transport.requests)) == (errors.Unavailable, 4)


def test_after_a_lost_answer_nobody_else_is_blamed(faulty: Any) -> None:
    """The lease was over when the line came back: the message may have gone to this very call."""
    client, transport, _ = faulty([])
    sealed, plain = client.send("secret").link, client.create_plain("secret")
    for link in (sealed, f"{sealed.partition('#')[0]}{plain}"):
        transport.faults = ["lost", httpx.Response(404, json={"error": "Message not found"})]
        with pytest.raises(errors.NotFound, match="erhaps") as error:
            client.read(link)
        assert isinstance(error.value, errors.LostRead) is (link == sealed)
        with pytest.raises(errors.NotFound) as later:
            Client(client._server, transport=transport).read(link)  # noqa: SLF001
        assert "erhaps" not in str(later.value)


def test_a_lost_answer_to_destroy_is_not_an_error(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = ["lost"]
    client.destroy(link)
    assert transport.requests == ["PUT", "DELETE", "DELETE", "GET"]
    with pytest.raises(errors.Destroyed):
        client.destroy(link)
    link = client.send("secret").link
    client.read(link)
    transport.faults = ["lost"]
    with pytest.raises(errors.AlreadyRead):
        client.destroy(link)
    plain_id = client.create_plain("secret")
    transport.faults = ["lost"]
    with pytest.raises(errors.NotFound, match="Perhaps this call has destroyed it"):
        client.destroy_plain(plain_id)


@pytest.mark.parametrize("is_plain", [False, True])
def test_the_lease_of_a_message_that_has_arrived_ends(faulty: Any, platform: Platform, is_plain: bool) -> None:  # noqa: FBT001
    client, transport, _ = faulty([])
    assert client.read_plain(client.create_plain("secret")) if is_plain else client.read(client.send("secret").link)
    acknowledgement = transport.last
    assert acknowledgement.method == "DELETE"
    assert acknowledgement.extensions["timeout"]["read"] == 5.0  # its answer does not matter
    headers = {name: acknowledgement.headers.get(name, "") for name in ("Authorization", "Idempotency-Key")}
    with platform.client() as other:
        assert other.get(acknowledgement.url.path, headers=headers).status_code == 404


def test_a_message_is_not_acknowledged_if_the_block_fails(faulty: Any, platform: Platform) -> None:
    def fail(message: Message) -> None:
        assert message.text == "secret"
        raise OSError("the disk is full")

    client, transport, _ = faulty([])
    for link in (client.send("secret").link, f"{platform.url}/{client.create_plain('secret')}"):
        transport.requests.clear()
        with pytest.raises(OSError, match="full"), client.reading(link) as message:
            fail(message)
        assert transport.requests == ["GET"]
        with platform.client() as other:  # it is leased to a caller with the same idempotency key
            headers = {n: v for n, v in transport.last.headers.items() if n in ("authorization", "idempotency-key")}
            assert other.get(transport.last.url.path, headers=headers).status_code == 200


def test_a_lost_acknowledgement_does_not_matter(faulty: Any) -> None:
    client, transport, pauses = faulty([])
    link = client.send("secret").link
    transport.faults = [None, "lost"]
    assert client.read(link).text == "secret"
    assert pauses == []


def test_the_client_waits_as_long_as_the_service_asks(faulty: Any) -> None:
    client, transport, pauses = faulty([Wait, Limited])
    client.send("secret")
    assert pauses == [5.0, 1.0]
    transport.faults = [httpx.Response(502), httpx.Response(504), httpx.Response(503, headers={"Retry-After": "99"})]
    client.send("secret")
    assert pauses == [5.0, 1.0, 1.0, 1.0, 10.0]


def test_the_client_gives_up_after_some_attempts(faulty: Any) -> None:
    client, transport, pauses = faulty(["lost"] * 10)
    with pytest.raises(errors.Unavailable, match="cannot be reached"):
        client.send("secret")
    assert (len(transport.requests), pauses) == (4, [0.25, 0.5, 1.0])
    for response, kind in ((Wait, errors.Unavailable), (Limited, errors.RateLimited)):
        transport.faults = [response] * 4
        with pytest.raises(kind):
            client.send("secret")


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>"},
        {"json": {}},
        {"json": []},
        {"json": None},
        {"json": {"expires_at": None, "message": 1}},
        {"json": {"expires_at": "soon"}},
        {"content": b"\xff"},
        {"content": b""},
    ],
)
@pytest.mark.parametrize("status", [200, 301, 418])
def test_a_server_that_is_not_this_service_is_recognized(faulty: Any, status: int, answer: dict[str, Any]) -> None:
    client, *_ = faulty([httpx.Response(status, **answer)])
    with pytest.raises(errors.Unavailable, match=rf"\({status}\) is not this service"):
        client.send("secret")


def test_a_proxy_that_does_not_reach_the_service_is_recognized(faulty: Any) -> None:
    client, *_ = faulty([httpx.Response(502, text="<html>")] * 4)
    with pytest.raises(errors.Unavailable, match=r"\(502\) is not available now"):
        client.send("secret")


@pytest.mark.parametrize(
    ("status", "fields", "error"),
    [
        (401, {"code": "passphrase_required", "tries_left": 7}, errors.PassphraseRequired(7)),
        (403, {"code": "wrong_passphrase", "tries_left": 0}, errors.WrongPassphrase(0)),
        (403, {"code": "unexpected_passphrase"}, errors.UnexpectedPassphrase()),
        (403, {"code": "robot_refused"}, errors.Refused("", "robot_refused")),
        (413, {}, errors.ContentTooLarge()),
        (403, {"code": "wrong_passphrase"}, errors.Unavailable()),
        *(
            (403, {"code": "wrong_passphrase", "tries_left": tries}, errors.Unavailable())
            for tries in ("many", -1, 11, 10**4_000, 1.5, True, None)
        ),
    ],
)
def test_errors_are_told_apart_by_code_and_status(
    faulty: Any, status: int, fields: dict[str, Any], error: errors.CryptApiError
) -> None:
    """The text is a translation: nothing compares it."""
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = [httpx.Response(status, json={"error": "Přístup odepřen", **fields})]
    with pytest.raises(errors.CryptApiError) as raised:
        client.read(link)
    assert type(raised.value) is type(error)
    assert vars(raised.value) == vars(error)


def test_a_refusal_after_a_lost_answer_may_hide_that_the_request_was_done(faulty: Any) -> None:
    for refusal, text in (Wait, "Storage unavailable"), (Limited, "Rate limit exceeded"):
        client, *_ = faulty(["lost", *[refusal] * 3])
        with pytest.raises(errors.AnswerLost, match=text):
            client.send("secret")


@pytest.mark.parametrize("message_id", ["\x1b[2Jab", "abc12\n", "../abc12", "abc12/", "", None, "ABCDE"])
def test_an_id_that_is_none_is_refused(faulty: Any, message_id: str | None) -> None:
    client, *_ = faulty([httpx.Response(200, json={"id": message_id})])
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.create_plain("secret")


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00", "soon", 1, None]
)
def test_a_time_that_cannot_be_is_refused(faulty: Any, time: object) -> None:
    receipt = {"state": "read", "passphrase": False, "reads_left": 1, "at": time or 1, "expires_at": time}
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = [httpx.Response(200, json=receipt), httpx.Response(201, json=receipt)]
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.receipt(link)
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.send("secret")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "\x1b[2J"}, {"reads_left": "1e999"}, {"reads_left": "[" * 50_000}, {"reads_left": "1.5"},
        {"reads_left": "-1"}, {"reads_left": "101"}, {"reads_left": "1e300"}, {"reads_left": "true"},
        {"reads_left": '"1"'}, {"passphrase": '"false"'}, {"passphrase": "0"},
        {"at": '"0001-01-01T00:00:00Z"'},
    ],
)  # fmt: skip
def test_an_invalid_receipt_is_refused(faulty: Any, change: dict[str, str]) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    fields = {"state": '"read"', "passphrase": "true", "reads_left": "1", "at": "null"}
    fields |= {name: json.dumps(value) if name == "state" else value for name, value in change.items()}
    fields["expires_at"] = '"2026-11-24T00:00:00Z"'
    transport.faults = [httpx.Response(200, text="{" + ",".join(f'"{n}": {v}' for n, v in fields.items()) + "}")]
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.receipt(link)


def test_an_answer_that_cannot_be_decoded_counts_as_lost(faulty: Any) -> None:
    client, _, pauses = faulty([httpx.DecodingError("not gzip")])
    client.send("secret")
    assert pauses == [0.25]


def test_a_forged_message_is_refused(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    transport.faults = [httpx.Response(200, json={"message": "A" * 5_500})]
    with pytest.raises(errors.BadEnvelope):
        client.read(link)
    assert client.read(link).text == "secret"


@pytest.mark.parametrize("message", ["1", "null", "true", '{"a": 1}', "[]", '"\\ud800"'])
def test_a_plain_message_that_is_no_text_is_refused(faulty: Any, message: str) -> None:
    client, *_ = faulty([httpx.Response(200, text=f'{{"message": {message}}}')])
    with pytest.raises(errors.Unavailable, match="is not this service"):
        client.read_plain("abc12")


def test_a_refusal_is_short_whatever_the_service_says(faulty: Any) -> None:
    client, *_ = faulty([httpx.Response(418, json={"error": "x" * 500_000})])
    with pytest.raises(errors.Refused) as raised:
        client.send("secret")
    assert len(str(raised.value)) == 1_000
    limited = httpx.Response(429, json={"error": ""}, headers={"Retry-After": "9" * 400})
    client, *_ = faulty([limited] * 4)
    with pytest.raises(errors.RateLimited) as busy:
        client.send("secret")
    assert busy.value.retry_after < 10**9


def test_after_500_or_a_damaged_answer_nobody_knows_whether_it_was_done(faulty: Any) -> None:
    client, transport, _ = faulty([])
    link = client.send("secret").link
    damaged = [httpx.Response(status, text="<html>") for status in (200, 500, 503, 521)]
    for reply in (httpx.Response(500, json={"error": "Internal server error"}), *damaged):
        transport.faults = [reply] * 4
        with pytest.raises(errors.AnswerLost):
            client.read(link)
    transport.faults = [httpx.Response(524, text="<html>")]
    assert client.read(link).text == "secret"
