"""Times as the commands print them: one form for people, one for programs."""

from datetime import datetime
from typing import TextIO

from crypt_api.cli.terminal import is_terminal


def rfc3339(time: datetime) -> str:
    """For programs: RFC 3339, with Z for UTC."""
    return time.isoformat().replace("+00:00", "Z")


def shown(time: datetime, stream: TextIO | None) -> str:
    """For people, at a terminal: in the time zone of this machine. Elsewhere, as for programs."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if is_terminal(stream) else rfc3339(time)
