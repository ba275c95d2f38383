"""A server that is asked to end finishes what is in flight."""

import json
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.platforms import start_server
from tests.support.sockets import connect, received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_before_it_stops(tmp_path: Path, number: signal.Signals) -> None:
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        body = b'{"message": "secret"}'
        with connect(process.port) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            time.sleep(0.2)  # no clock of ours: the server must have begun to wait for the body
            stopped = threading.Thread(target=process.stop, args=(number,))
            stopped.start()
            time.sleep(0.2)
            connection.sendall(body)
            answer = received(connection)
            assert answer.startswith(b"HTTP/1.1 200")
        stopped.join()
        assert process.wait() == 0
        assert "Traceback" not in process.output
    assert not (tmp_path / "messages.db-wal").exists()  # its log is carried over
    with start_server(f"--store=sqlite:///{tmp_path}/messages.db") as process:
        message_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
        assert httpx.get(f"{process.url}/{message_id}").json() == {"message": "secret"}
