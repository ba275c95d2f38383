"""The journal of an upload: a file by which a later run of the program goes on with it.

It has the key of the files, so only its owner can read it. Each line is JSON: the first says what is sent, and each
further one that a part has arrived. A line that was cut off by a crash counts for nothing.
"""

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from crypt_api.client.locks import lock
from crypt_api.client.parts import KEY_BYTES
from crypt_core.encoding import decode_base64url, encode_base64url, whole_number


@dataclass(frozen=True)
class Plan:
    """What an upload sends. Two uploads with the same plan send the same parts.

    Attributes:
        server: The service.
        files: Paths, and what shows that a file has changed.
        part_bytes: Bytes of files in each part.
        key: What the parts are sealed with.
    """

    server: str
    files: list[list[str | int]]
    part_bytes: int
    key: bytes = field(repr=False)


@dataclass
class Progress:
    """How far an upload has come.

    Attributes:
        sent: Parts that have arrived: the first ones.
        expires_at: Unix time at which the first of them expires, by the service's clock; None without a part.
        clock_error: Seconds by which the service's clock is ahead of this machine's.
    """

    sent: int = 0
    expires_at: float | None = None
    clock_error: float = 0.0


class Journal:
    """The journal at one path. It is locked while it is open, so that no two programs go on with one upload."""

    def __init__(self, path: Path) -> None:
        """Open the journal; make it if there is none.

        Raises:
            OSError: That is not possible; BlockingIOError if another program has it open, PermissionError if it is
                somebody else's: its owner would know the key.
        """
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        self._file: IO[bytes] = os.fdopen(os.open(path, flags, 0o600), "r+b")
        try:
            lock(self._file)
            if os.name == "posix":
                _make_private(self._file.fileno())
        except OSError:
            self._file.close()
            raise

    def load(self) -> tuple[Plan, Progress] | None:
        """What the journal says; None if it says nothing."""
        self._file.seek(0)
        lines = [line for line in self._file if line.endswith(b"\n")]
        with suppress(KeyError, TypeError, ValueError, OverflowError, RecursionError):
            fields, *parts = map(json.loads, lines)
            key, part_bytes = decode_base64url(fields["key"], KEY_BYTES), whole_number(fields["part_bytes"])
            if key and part_bytes:
                plan = Plan(str(fields["server"]), list(fields["files"]), part_bytes, key)
                return plan, _progress(parts)
        return None

    def begin(self, plan: Plan) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._write(asdict(plan) | {"key": encode_base64url(plan.key)})
        os.fsync(self._file.fileno())  # a key that is not remembered seals nothing

    def note(self, progress: Progress) -> None:
        self._write(asdict(progress))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()

    def _write(self, fields: dict[str, Any]) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(fields).encode() + b"\n")
        self._file.flush()


def _make_private(descriptor: int) -> None:
    """Raises OSError if the file is somebody else's; root could write there all the same."""
    if os.fstat(descriptor).st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it is somebody else's file")
    os.fchmod(descriptor, 0o600)


def _progress(lines: list[dict[str, Any]]) -> Progress:
    """Raises KeyError, TypeError or ValueError for what no upload has written."""
    if not lines:
        return Progress()
    last = lines[-1]
    sent = whole_number(last["sent"])
    if sent is None or sent < 0:
        raise ValueError
    return Progress(sent, float(last["expires_at"]), float(last["clock_error"]))
