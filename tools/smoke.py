"""Does a deployed service work? Creates and reads messages of its own, and meets the rate limit. Standard library only.

Exit codes: 0, it works; 1, it does not; 2, wrong usage.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

TIMEOUT = 30.0
PATIENCE = 90.0
"""Seconds in which a store that lags (503), or a limit (429), may ask to try again."""

Answer = tuple[int, Any]


class Failed(Exception):
    """The service did something else than it should."""


class Service:
    """The service at one URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask_once(self, method: str, path: str, body: object = None, **headers: str) -> tuple[Answer, float]:
        """Status and JSON of the answer, and the seconds after which it says to try again."""
        fields = {"User-Agent": "smoke", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, fields, method=method)  # noqa: S310
        try:
            response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
        except urllib.error.HTTPError as error:
            response = error  # type: ignore[assignment]
        with response:
            text = response.read()
            again = float(response.headers.get("Retry-After") or 0)
            return (response.status, json.loads(text) if text else None), again

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask, and ask again while the service says to."""
        end = time.monotonic() + PATIENCE
        while True:
            answer, again = self.ask_once(method, path, body, **headers)
            if answer[0] not in (429, 503) or time.monotonic() + again > end:
                return answer
            time.sleep(again)


def expect(what: str, answer: Answer, status: int, body: object = ...) -> Any:
    """Raise `Failed` unless the answer is as it should be. No message and no id is printed."""
    if answer[0] != status or (body is not ... and answer[1] != body):
        raise Failed(f"{what}: status {answer[0]} in place of {status}, or another body")
    return answer[1]


def checks(service: Service) -> Iterator[str]:
    """Do all checks; give the name of each that has passed."""
    expect("health", service.ask("GET", "/-/health"), 200, {"status": "ok"})
    yield "health"
    expect("readiness", service.ask("GET", "/-/ready"), 200)
    yield "the store answers"
    message = f"smoke {secrets.token_hex(8)}"
    created = expect("create", service.ask("POST", "/", {"message": message, "ttl": 60}), 200)
    yield "create"
    path = f"/{created['id']}"
    expect("read", service.ask("GET", path), 200, {"message": message})
    yield "read"
    expect("second read", service.ask("GET", path), 404, {"error": "Message not found"})
    yield "nobody reads it again"
    yield from sealed_checks(service)
    yield from limit_checks(service)


def sealed_checks(service: Service) -> Iterator[str]:
    proof = secrets.token_bytes(32)
    path = f"/{encode(secrets.token_bytes(16))}"
    headers = {"Authorization": f"Bearer {encode(proof)}", "Idempotency_Key": secrets.token_hex(16)}
    body = {"message": "c21va2U", "proof_hash": encode(hashlib.sha256(proof).digest()), "ttl": 60}
    expect("create sealed", service.ask("PUT", path, body), 201)
    expect("read without proof", service.ask("GET", path), 401)
    expect("read sealed", service.ask("GET", path, **headers), 200, {"message": body["message"]})
    expect("read sealed again, same key", service.ask("GET", path, **headers), 200, {"message": body["message"]})
    expect("acknowledge", service.ask("DELETE", path, **headers), 204)
    yield "sealed message"
    receipt = service.ask("GET", path + "/status", Authorization=headers["Authorization"])
    if expect("receipt", receipt, 200)["state"] != "read":
        raise Failed("receipt: the state is not read")
    yield "receipt"


def limit_checks(service: Service) -> Iterator[str]:
    for _ in range(200):
        (status, _), again = service.ask_once("GET", "/zzzz")  # no message can have this id
        if status == 429:  # noqa: PLR2004
            if again < 1:
                raise Failed("rate limit: no Retry-After")
            yield "rate limit"
            return
    yield "rate limit: not met in 200 requests (switched off, or slow network)"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].startswith(("http://", "https://")):
        print("usage: script/smoke URL", file=sys.stderr)
        return 2
    try:
        for name in checks(Service(arguments[0])):
            print(f"ok    {name}")
    except (Failed, OSError, ValueError) as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
