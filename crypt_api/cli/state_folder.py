"""The user's own folder for what interrupted commands go on with. No file that was received is ever saved there."""

import os
import sys
from pathlib import Path

VARIABLE = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"
NAME = "crypt-api"


def state_folder() -> Path:
    """Raises RuntimeError if there is no home folder."""
    given = os.environ.get(VARIABLE, "")
    # The XDG Base Directory Specification ignores a path that is not absolute.
    base = Path(given) if Path(given).is_absolute() else Path.home() / ".local/state"
    return base / NAME
