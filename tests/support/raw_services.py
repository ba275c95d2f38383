"""Services that answer with bytes of the test's choice: too many, too slow, or never the last one."""

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator

MIB = 1_048_576
BOMB = gzip.compress(bytes(64 * MIB))
EMPTY_BLOCKS = b"\x00\x00\x00\xff\xff" * 10_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Misbehaviour = Callable[[socket.socket, threading.Event], None]


def compressed(connection: socket.socket, _over: threading.Event) -> None:
    """64 MiB in 64 KiB, though the client does not accept gzip."""
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)


def large(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (64 * MIB))
    for _ in range(64):
        connection.sendall(bytes(MIB))


def compressed_nothing(connection: socket.socket, _over: threading.Event) -> None:
    """64 MiB of compressed blocks with nothing in them."""
    head = gzip.compress(b"", mtime=0)[:10]
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (64 * MIB) + head)
    for _ in range(64 * MIB // len(EMPTY_BLOCKS)):
        connection.sendall(EMPTY_BLOCKS)


def odd_headers(connection: socket.socket, _over: threading.Event) -> None:
    """The answer about a message that is not there, by way of a proxy that writes its name in Latin-1."""
    body = b'{"error": "Message not found"}'
    head = b"HTTP/1.1 404 Not Found\r\nX-Served-By: M\xfcnchen\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"2\r\n  \r\n")
        over.wait(0.02)


def endless_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"X-Long: ")
    while not over.is_set():
        connection.sendall(b"x")
        over.wait(0.02)


@contextlib.contextmanager
def raw_service(answer: Misbehaviour) -> Iterator[str]:
    """Answer each connection's first request so, and give the service's address."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            answer(connection, over)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65_536)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(30)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept, args=(listener,))]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
