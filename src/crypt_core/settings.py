"""The operator's settings, read from a mapping of strings: the Worker's variables or the server's flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from crypt_core import ids
from crypt_core.errors import SettingsError

MIN_TTL = 60
"""Seconds. Cloudflare KV refuses a shorter one."""

DEFAULT_TTL = 86_400
"""Seconds: a day, for requests without a `ttl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The service's settings, all within their bounds.

    Attributes:
        rate_limit_per_second: Requests that one client may make in any second; 0 is no limit.
        max_ttl: Seconds that a message may live at most.
        id_length: Characters of a plain message's id.

    Raises:
        SettingsError: A value is out of its bounds.
    """

    NAMES: ClassVar = ("RATE_LIMIT_PER_SECOND", "MAX_TTL", "ID_LENGTH")

    rate_limit_per_second: int = 3
    max_ttl: int = DEFAULT_TTL
    id_length: int = ids.MIN_LENGTH

    def __post_init__(self) -> None:
        _check("RATE_LIMIT_PER_SECOND", self.rate_limit_per_second, 0, 100_000)
        _check("MAX_TTL", self.max_ttl, MIN_TTL, 365 * 86_400)
        _check("ID_LENGTH", self.id_length, ids.MIN_LENGTH, ids.MAX_LENGTH)

    @property
    def default_ttl(self) -> int:
        return min(DEFAULT_TTL, self.max_ttl)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Settings":
        """Take the settings named in capitals from `values`. A setting that is missing or empty keeps its default.

        Raises:
            SettingsError: A value is not a whole number, or out of its bounds.
        """
        given = {name.lower(): _whole_number(name, values[name]) for name in cls.NAMES if values.get(name, "") != ""}
        return cls(**given)


def _whole_number(name: str, value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} must be from {low} to {high}, not {value}")
