"""Under which name a received file is saved. The rule is in `docs/protocol.md`, its cases in `vectors/file-names.json`.

The web page has the same rule.
"""

import re
import unicodedata

_DROPPED = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that cannot be seen: among them those that turn `exe.txt` around."""

_NOT_IN_WINDOWS = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\..*)?", re.IGNORECASE)
_ENV = re.compile(r"\.env(?:\..*)?", re.IGNORECASE)


def safe_file_name(name: str) -> str:
    """Give the name under which a file of this name is saved."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(character for character in last if unicodedata.category(character) not in _DROPPED)
    saved = seen.translate(_NOT_IN_WINDOWS).lstrip(" ").rstrip(" .")
    is_option_or_hidden = saved[:1] in ("-", ".") and not _ENV.fullmatch(saved)
    if is_option_or_hidden or _RESERVED.fullmatch(saved):
        return f"_{saved}"
    return saved or "message"
