"""Times as people write them."""

import re

from crypt_core.errors import SettingsError

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def parse_seconds(name: str, text: str) -> int:
    """Read a time such as `90s`, `15m`, `24h` or `30d`. A number alone is seconds.

    Raises:
        SettingsError: It is no time. The error names the setting `name`.
    """
    match = re.fullmatch(r"([0-9]{1,9}) ?([smhdw]?)", text.strip().lower())
    if match is None:
        raise SettingsError(f"{name} must be a time such as 90s, 15m, 24h or 30d, not {text!r}")
    return int(match[1]) * SECONDS[match[2]]
