"""The server's clients behind proxies: whose word about a client's address is believed."""

from pathlib import Path

import httpx

from tests.support.platforms import NO_TLS, Process, start_server
from tests.support.rate import within_a_second


def forwarded(process: Process, *headers: str) -> list[int]:
    """Statuses of requests that all come from one address, each with such an `X-Forwarded-For`."""
    with httpx.Client(base_url=process.url, verify=NO_TLS) as client:
        answers = within_a_second(
            lambda: [client.get("/zzzzz", headers={"X-Forwarded-For": header}) for header in headers]
        )
    return [answer.status_code for answer in answers]


def test_by_default_the_header_is_not_believed(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        assert forwarded(process, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")[3] == 429


def test_a_trusted_proxy_is_believed_and_an_invention_of_its_client_is_not(tmp_path: Path) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db", "--trusted-proxies=127.0.0.0/8, ::1") as process:
        assert 429 not in forwarded(process, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
        invented = [f"203.0.113.{n}, 192.0.2.9" for n in range(4)]
        assert forwarded(process, *invented)[3] == 429
