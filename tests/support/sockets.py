"""HTTP by bare sockets: what no HTTP client would send, and how the server ends the connection."""

import re
import socket
import struct

HOST = b"Host: example.org\r\n"
GET = b"GET /-/health HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST  # and its other headers


def connect(port: int) -> socket.socket:
    """Connect to a server on this machine; no wait takes longer than 30 seconds."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def received(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes, or resets, the connection."""
    data = b""
    try:
        while chunk := connection.recv(65_536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def exchange(port: int, data: bytes) -> bytes:
    """Send the bytes, finish sending as `nc -N` does, and receive everything."""
    with connect(port) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return received(connection)


def statuses(answer: bytes) -> list[int]:
    """The status of each response."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def reset(connection: socket.socket) -> None:
    """End the connection by a reset, as a client that was killed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
