"""How long a message lives: `--ttl` as people write it, and the bounds that a service has."""

from contextlib import closing
from typing import Any

import click
import httpx

from crypt_api.client.connections import Connections
from crypt_core.setting_values import SECONDS, SettingsError, parse_seconds


class Lifetime(click.ParamType[int]):
    """A time such as 90s, 15m, 24h or 7d, in seconds. A number alone is seconds, too."""

    name = "lifetime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_seconds(self.name, value)
        except SettingsError:
            self.fail("This is not a time; write 90s, 15m, 1h or 7d.", param, ctx)


def bounds(origin: str) -> str:
    """Ask the service which lifetimes it takes; empty if it does not tell."""
    try:
        with closing(Connections()) as connections:
            limits = connections.get(f"{origin}/-/limits", {}, silence=10).json()
        return f"{_short(limits['min_ttl'])} to {_short(limits['max_ttl'])}"
    except (httpx.HTTPError, KeyError, TypeError, ValueError, RecursionError):
        return ""


def _short(seconds: int) -> str:
    """Write 86400 as 24h, and 604800 as 7d."""
    for unit, least in (("d", 2 * 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= least and seconds % SECONDS[unit] == 0:
            return f"{seconds // SECONDS[unit]}{unit}"
    return f"{seconds}s"
