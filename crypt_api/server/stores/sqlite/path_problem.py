"""Why a database's file cannot be opened or written, as its operator can mend it: SQLite says this of few cases."""

import os
from pathlib import Path


def path_problem(path: Path) -> str:
    """What is wrong with the file or its folder; empty if nothing is seen."""
    path = path.absolute()
    folder = path.parent
    if path.is_dir():
        return "it is a folder; name a file in it"
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    for place in (folder, path):
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            owner = place.stat().st_uid
            return (
                f"{place} belongs to the user {owner}, and this process, of the user {os.geteuid()}, may not write it"
            )
    return ""
