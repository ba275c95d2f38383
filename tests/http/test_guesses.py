"""A client that asks for plain ids without a message has a budget for it, on both platforms."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crypt_core import ids
from tests.support import platforms
from tests.support.platforms import Platform, start_server
from tests.support.sealed import Sealed, put

MISSES = 4
GUESSES = [f"zzzz{n}" for n in range(MISSES)]
"""Of different shards: in the Worker each gives its share of the misses."""


@pytest.fixture(scope="module", params=["server", "worker"])
def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform on which no client meets the rate limit, and each has few misses."""
    if request.param == "server":
        flags = ["--rate-limit-per-second=1000", f"--misses-per-hour={MISSES}"]
        with platforms.server(tmp_path_factory.mktemp("strict"), *flags) as platform:
            yield platform
    else:
        with platforms.worker("--var", "RATE_LIMIT_PER_SECOND:1000", "--var", f"MISSES_PER_HOUR:{MISSES}") as platform:
            yield platform


def create(platform: Platform) -> str:
    with platform.client() as sender:
        return str(sender.post("/", json={"message": "secret"}).json()["id"])


def test_a_client_that_guesses_gets_no_further_look(strict: Platform) -> None:
    message_id = create(strict)
    with strict.client("198.51.100.30") as guesser, strict.client() as reader:
        assert [guesser.get("/" + guess).status_code for guess in GUESSES] == [404] * MISSES
        acknowledgement = guesser.delete("/" + message_id, headers={"Idempotency-Key": "key"})
        for answer in (guesser.get("/zzzzz"), guesser.get("/" + message_id), acknowledgement):
            assert (answer.status_code, answer.content) == (429, b'{"error": "Rate limit exceeded"}')
            assert 3_600 / MISSES - 60 < int(answer.headers["retry-after"]) <= 3_600 / MISSES
        assert reader.get("/" + message_id).json() == {"message": "secret"}


def test_the_page_s_button_is_a_guess_too(strict: Platform) -> None:
    with strict.client("198.51.100.31") as guesser:
        page = guesser.get("/zzzzz", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
        assert page.status_code == 200
        [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
        statuses = [
            guesser.post(f"/{guess}/reveal", data={"token": token}, headers={"Cookie": f"reveal={token}"}).status_code
            for guess in (*GUESSES, "zzzzz")
        ]
        assert statuses == [404] * MISSES + [429]


def test_a_probe_by_acknowledgements_costs_a_miss_whether_or_not_a_message_waits(strict: Platform) -> None:
    with strict.client("198.51.100.33") as prober:
        ids_ = [create(strict), *GUESSES]  # one more than there are misses
        statuses = [prober.delete("/" + id_, headers={"Idempotency-Key": "k"}).status_code for id_ in ids_]
        assert statuses[0] == 404
        assert {*statuses[1:]} == {404, 429}


def test_pages_and_sealed_ids_cost_nothing(strict: Platform) -> None:
    with strict.client("198.51.100.32") as client:
        for n in range(MISSES + 2):
            assert client.get(f"/zzzz{n}", headers={"Sec-Fetch-Mode": "navigate"}).status_code == 200
            sealed = put(client)
            assert client.get(sealed.path, headers=Sealed().headers).status_code == 404
            assert client.get("/" + create(strict)).status_code == 200
        assert client.get("/zzzzz").status_code == 404


def test_a_server_counts_misses_in_its_metrics(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--metrics=127.0.0.1:0", "--rate-limit-per-second=0")
    with start_server(*flags) as process:
        url = process.url
        metrics = process.wait_for(r"metrics on (http\S+)")
        for path in ("/zzzzz", "/yyyyy", "/Zz", "/-/ready", "/" + "A" * 22):
            httpx.get(url + path)
        httpx.delete(f"{url}/zzzzz")
        assert 'crypt_api_messages_total{event="missed"} 3.0' in httpx.get(f"{metrics}/metrics").text


def test_automatic_ids_count_what_a_server_finds_in_its_file(tmp_path: Path) -> None:
    flags = (f"--store=sqlite:///{tmp_path}/messages.db", "--rate-limit-per-second=0", "--id-length=auto")
    lengths = []
    for _ in range(2):
        with start_server(*flags) as process, httpx.Client(base_url=process.url) as sender:
            lengths.append(len(sender.post("/", json={"message": "x"}).json()["id"]))
            for _ in range(2):
                sender.post("/", json={"message": "x"})
    assert lengths == [ids.length_for(1), ids.length_for(4)] == [5, 6]
