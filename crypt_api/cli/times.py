"""Times as the commands print them."""

from datetime import datetime


def rfc3339(time: datetime) -> str:
    """For programs: RFC 3339, with Z for UTC."""
    return time.isoformat().replace("+00:00", "Z")


def local(time: datetime) -> str:
    """For people: in the time zone of this machine."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
