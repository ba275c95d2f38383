"""What is found out after a commit that failed, before anybody is answered.

A commit that failed may have taken effect all the same: after a failed sync the commit can be in the log. To answer
"nothing happened" on a guess would be as wrong as to answer "it is done". So the file is opened anew, as after a
crash, and asked: it has either all changes of the transaction or none, since a transaction is atomic.

While the file cannot be opened, nobody is answered. After `PATIENCE_SECONDS` the process ends: then the caller's
connection breaks, which is the true answer, and the next start finds out.
"""

import logging
import sqlite3
from collections.abc import Mapping
from contextlib import suppress

from crypt_api.server.stores.sqlite.connection import describe
from crypt_api.server.stores.sqlite.database import SqliteFile
from crypt_api.server.stores.sqlite.records import Change
from crypt_api.server.stores.sqlite.system import REAL, System
from crypt_core.errors import StorageUnavailable

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 20.0
"""How long one commit is looked for, while its callers wait: less than HTTP clients and proxies wait at least."""

RETRY_SECONDS = 0.2


class CannotSettle(Exception):
    """It cannot be found out whether a transaction took effect."""


def settle(file: SqliteFile, changes: Mapping[str, Change], system: System = REAL) -> bool:
    """Open `file` anew and tell whether the transaction with these changes took effect, now and for good.

    Raises:
        CannotSettle: The file could not be asked for `PATIENCE_SECONDS`, or gave an impossible answer.
    """
    deadline = system.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _ask(file, changes)
        except (sqlite3.Error, OSError, StorageUnavailable) as error:
            file.disconnect()
            reason = describe(error)
        if system.monotonic() >= deadline:
            raise CannotSettle(reason)
        system.sleep(RETRY_SECONDS)


def _ask(file: SqliteFile, changes: Mapping[str, Change]) -> bool:
    file.disconnect()
    file.connect()
    happened = _are_in(file, changes)
    if happened:
        # What is there is perhaps only in memory: the system forgets what it could not write.
        file.write_log_again()
    with suppress(StorageUnavailable):  # then the next command tries
        file.make_ready()
    return happened


def _are_in(file: SqliteFile, changes: Mapping[str, Change]) -> bool:
    """Whether the file has the changes. True, too, if there are none: then the answers rest on nothing that is new."""
    rows = file.records.rows(changes)
    if all(rows.get(message_id) == change.after for message_id, change in changes.items()):
        return True
    if all(rows.get(message_id) == change.before for message_id, change in changes.items()):
        return False
    raise CannotSettle("the file has neither what was there before nor what was to be kept")
