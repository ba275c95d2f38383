"""How long a message lives: `--ttl` as people write it, and the bounds that a service has."""

import re
from contextlib import closing
from typing import Any

import click
import httpx

from crypt_api.client.connections import Connections

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


class Lifetime(click.ParamType[int]):
    """A time such as 90s, 15m, 24h or 7d, in seconds. A number alone is seconds, too."""

    name = "lifetime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,9}) ?([smhdw]?)", value.lower())
        if match is None:
            self.fail(f"{value!r} is not a time; write 90s, 15m, 1h or 7d.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


def bounds(origin: str) -> str:
    """Ask the service, by its description of itself, which lifetimes it takes; empty if it does not tell."""
    try:
        with closing(Connections()) as connections:
            paths = connections.get(f"{origin}/-/openapi.json", {}, silence=10).json()["paths"]
        content = paths["/"]["post"]["requestBody"]["content"]["application/json"]
        ttl = content["schema"]["properties"]["ttl"]
        return f"{_short(ttl['minimum'])} to {_short(ttl['maximum'])}"
    except (httpx.HTTPError, KeyError, TypeError, ValueError, RecursionError):
        return ""


def _short(seconds: int) -> str:
    """Write 86400 as 24h, and 604800 as 7d."""
    for unit, least in (("d", 2 * 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= least and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
