"""Connections below HTTP."""

import socket


def connect(port: int) -> socket.socket:
    """Connect to a server on this machine; no wait takes longer than 30 seconds."""
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def received(connection: socket.socket) -> bytes:
    """Everything that the other end sends until it closes the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))
