"""Does a deployed service work? Creates and reads messages of its own, and meets the rate limit. Standard library only.

Exit codes: 0, it works; 1, it does not; 2, wrong usage.
"""

import base64
import hashlib
import json
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 30.0
"""Seconds for one answer, the whole of it."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PATIENCE = 90.0
"""Seconds in which a store that lags (503), or a limit (429), may ask to try again."""

MAX_BYTES = 1_048_576
"""No answer of the service is larger."""

StatusAndBody = tuple[int, Any]


class Failed(Exception):
    """The service did something else than it should."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The service has none."""

    def redirect_request(self, *_: Any) -> None:
        return None


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End the block after so many seconds, wherever it is: a socket's timeout starts anew with each byte."""

    def end(*_: object) -> None:
        raise Failed(f"an answer takes more than {seconds:.0f} seconds")

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Service:
    """The service at one URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask_once(self, method: str, path: str, body: object = None, **headers: str) -> tuple[StatusAndBody, float]:
        """Status and JSON (or bytes) of the answer, and the seconds after which it says to try again."""
        fields = {"User-Agent": "smoke", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, fields, method=method)  # noqa: S310
        with deadline(TIMEOUT), self._open(request) as response:
            text = response.read(MAX_BYTES + 1)
            if len(text) > MAX_BYTES:
                raise Failed(f"an answer has more than {MAX_BYTES:,} bytes")
            again = float(response.headers.get("Retry-After") or 0)
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            return (response.status, json.loads(text) if is_json else text or None), again

    def _open(self, request: urllib.request.Request) -> HTTPResponse:
        host = urlsplit(self._url).hostname
        # The system's proxies, but for this machine.
        proxies = urllib.request.ProxyHandler({} if host in LOOPBACK else None)
        try:
            response: HTTPResponse = urllib.request.build_opener(proxies, NoRedirects).open(request)
        except urllib.error.HTTPError as error:
            response = error  # type: ignore[assignment]
        return response

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> StatusAndBody:
        """Ask, and ask again while the service says to."""
        end = time.monotonic() + PATIENCE
        while True:
            answer, again = self.ask_once(method, path, body, **headers)
            if answer[0] not in (429, 503) or time.monotonic() + again > end:
                return answer
            time.sleep(again)


def expect(what: str, answer: StatusAndBody, status: int, body: object = ...) -> Any:
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
    yield from files_checks(service)
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


def files_checks(service: Service) -> Iterator[str]:
    if expect("limits", service.ask("GET", "/-/limits"), 200)["files"] is None:
        yield "files: switched off"
        return
    proof, part = secrets.token_bytes(32), secrets.token_bytes(4_096)
    path = f"/{encode(hashlib.sha256(proof).digest()[:16])}/part"
    headers = {"Authorization": f"Bearer {encode(proof)}"}
    expect("upload", service.ask("PUT", path, part, TTL="60"), 201)
    expect("download", service.ask("GET", path, **headers), 200, part)
    expect("delete", service.ask("DELETE", path, **headers), 204)
    expect("download what is deleted", service.ask("GET", path, **headers), 404)
    yield "files"


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
    except (Failed, OSError, ValueError, TypeError, LookupError, RecursionError, HTTPException) as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
