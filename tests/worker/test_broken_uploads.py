"""Clients that break off while they send: the Worker goes on, and its log has nothing to worry an operator."""

import json
import re
import socket
import struct

from tests.support import platforms
from tests.support.platforms import Platform

START_OF_JSON = b'{"message": "' + b"x" * 1_000
MISSING = 500  # bytes that are declared and never sent


def break_off(port: int, head: str, sent: bytes = START_OF_JSON) -> None:
    """Send a part of a request, and reset the connection as a process that is killed does."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_part(head, sent))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close_half(port: int, head: str, sent: bytes = START_OF_JSON) -> None:
    """Send a part of a request, say that no more comes, and wait until the Worker closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(_part(head, sent))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def _part(head: str, sent: bytes) -> bytes:
    return f"{head}\r\nHost: x\r\nContent-Length: {len(sent) + MISSING}\r\n\r\n".encode() + sent


HEADS = (
    "POST / HTTP/1.1",  # the body is wanted
    "PUT /q83vASNFZ4mrze8BI0VniQ HTTP/1.1",
    "POST /zzzzz/reveal HTTP/1.1",
    "POST /no/such/route HTTP/1.1",  # the body is not wanted, and drained
    "DELETE /zzzzz HTTP/1.1",
)


def test_an_upload_that_is_broken_off_is_no_fault_of_the_workers() -> None:
    with platforms.worker("--var", "RATE_LIMIT_PER_SECOND:0") as worker, worker.client() as client:
        for head in HEADS * 3:
            break_off(worker.port, head)
            close_half(worker.port, head)
        path = "/" + client.post("/", json={"message": "secret"}).json()["id"]
        assert client.get(path).json() == {"message": "secret"}
        worker.process.stop()
        output = worker.process.output
    for line in output.splitlines()[2:]:  # after the two lines that say where it listens
        assert json.loads(line)["status"] < 500, output


def test_a_form_that_is_broken_off_reveals_nothing(worker: Platform) -> None:
    """All that the form needs is there; but the browser has left, and would not get the message."""
    with worker.client() as client:
        path = "/" + client.post("/", json={"message": "secret"}).json()["id"]
        page = client.get(path, headers={"Accept": "text/html"})
        [token] = re.findall(r'name="token" value="([^"]+)"', page.text)
        head = f"POST {path}/reveal HTTP/1.1\r\nCF-Connecting-IP: {worker.next_address()}\r\nCookie: reveal={token}"
        break_off(worker.port, head, f"token={token}".encode())
        close_half(worker.port, head, f"token={token}".encode())
        client.cookies.clear()
        assert client.get(path).json() == {"message": "secret"}
