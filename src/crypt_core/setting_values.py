"""Sizes and times as operators and senders write them."""

import re


def may_have_password(text: str) -> bool:
    """Whether the text looks like an address that somebody gave to the wrong setting."""
    return "://" in text or "@" in text


def quoted(text: str) -> str:
    """The value of a setting, for an error, but nothing of what may have a password."""
    return "an address" if may_have_password(text) else repr(text)


class SettingsError(ValueError):
    """A setting has a value that cannot be used. The text names the setting and its bounds."""


_UNITS = {"": 1, "B": 1} | {
    f"{prefix}{infix}B": base**power
    for power, prefix in enumerate("KMGT", 1)
    for infix, base in (("", 1_000), ("i", 1_024))
}
_BY_LOWER_CASE = {name.lower(): factor for name, factor in _UNITS.items()}


def parse_size(name: str, text: str) -> int:
    """Read a number of bytes such as `500MB`, `2GiB`, `1.5 GB` or `0`.

    Raises:
        SettingsError: It is no size. The error names the setting `name`.
    """
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)", text.strip())
    factor = _BY_LOWER_CASE.get(match[2].lower()) if match else None
    size = float(match[1]) * factor if match and factor else None
    if size is None or 0 < size < 1:  # 0.5 without a unit must not become 0, which often is no limit at all
        raise SettingsError(f"{name} must be a size such as 500MB, 2GiB or 0, not {quoted(text)}")
    return int(size)


SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def parse_seconds(name: str, text: str) -> int:
    """Read a time such as `90s`, `15m`, `24h` or `30d`. A number alone is seconds.

    Raises:
        SettingsError: It is no time. The error names the setting `name`.
    """
    match = re.fullmatch(r"([0-9]{1,9}) ?([smhdw]?)", text.strip().lower())
    if match is None:
        raise SettingsError(f"{name} must be a time such as 90s, 15m, 24h or 30d, not {quoted(text)}")
    return int(match[1]) * SECONDS[match[2]]
