"""Why a database's file cannot be opened or written, as its operator can mend it: SQLite says this of few cases."""

import os
from contextlib import suppress
from pathlib import Path


def path_problem(path: Path) -> str:
    """What is wrong with the file or its folder; empty if nothing is seen."""
    path = path.absolute()
    for folder in reversed(path.parents):
        if folder.is_dir() and not os.access(folder, os.X_OK):  # nothing can be seen in it
            return _may_not_be(folder, "entered")
    with suppress(OSError):  # such as a name that is too long
        return _problem_in_folder(path)
    return ""


def _problem_in_folder(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    for place in (folder, path):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            return _may_not_be(place, "written")
    return ""


def _may_not_be(place: Path, what: str) -> str:
    owner = place.stat().st_uid
    return f"{place} belongs to the user {owner}, and may not be {what} by this process, of the user {os.geteuid()}"
