"""Under which name a received file is saved. The rule is in `docs/protocol.md`, its cases in `vectors/file-names.json`.

The web page has the same rule (`files.js`).
"""

import re
import unicodedata
from pathlib import Path

MAX_NAME_BYTES = 255
"""Of most file systems."""

MAX_PATH_BYTES = 1_024
MAX_STEPS = 16

_MISLEADING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that cannot be seen; some of them make `exe.txt` of `txt.exe`."""

_FORBIDDEN = '<>:"/\\|?*'
"""What leads to another folder, or is forbidden by Windows."""

_RESERVED = re.compile(r"-|(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)", re.IGNORECASE)
"""The beginning of what commands take for an option, and Windows for a device."""

_EXTENSION = re.compile(r"\.[^. ]{1,20}$")


def safe_file_name(name: str) -> str:
    """Give the name under which a file of this name can be saved anywhere."""
    visible = "".join("_" if _is_bad(character) else character for character in name).rstrip(". ")
    return _shortened(f"_{visible}" if _RESERVED.match(visible) else visible) or "file"


def safe_path(name: str, *, has_folders: bool) -> str:
    """Give the path below a folder at which a file of this name can be saved, with `/` between its parts.

    Nothing in it leads out of that folder. A path that is deeper or longer than any that is meant well becomes a name.
    """
    steps = [safe_file_name(step) for step in name.split("/") if step not in ("", ".", "..")] if has_folders else []
    path = "/".join(steps)
    return path if 0 < len(steps) <= MAX_STEPS and len(path.encode()) <= MAX_PATH_BYTES else safe_file_name(name)


def name_in(folder: Path, name: str) -> str:
    """Give the name that a new file or folder of a sender's gets in `folder`.

    In a home folder, no hidden one: shells and programs run what such files say.
    """
    return safe_file_name(f"_{name}") if name.startswith(".") and _is_home(folder) else name


def numbered(name: str, number: int) -> str:
    """Give another name like `name`, for a file beside it. It is not too long, either."""
    stem, extension = _split(name)
    return _cut(stem, f"-{number}{extension}")


def _is_home(folder: Path) -> bool:
    """Whether it is the user's home folder."""
    try:
        return folder.samefile(Path.home())
    except (OSError, RuntimeError):  # the user has no home folder
        return False


def _is_bad(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) in _MISLEADING


def _shortened(name: str) -> str:
    """Give a name of at most 255 bytes: what stands before its extension gets shorter."""
    return _cut(*_split(name))


def _split(name: str) -> tuple[str, str]:
    """The name without its extension, and the extension; `.env` has none."""
    match = _EXTENSION.search(name, 1)
    return (name[: match.start()], match[0]) if match else (name, "")


def _cut(stem: str, ending: str) -> str:
    stem = stem[:MAX_NAME_BYTES]  # characters: the rest goes one by one
    while len((stem + ending).encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending
