"""The tables of the file, and whose file it is."""

from pathlib import Path

from crypt_api.server.stores.sqlite import key_slots
from crypt_api.server.stores.sqlite.statements import Execute
from crypt_core.errors import StorageUnavailable

APPLICATION_ID = 0x43525950
"""`CRYP`: tells our files from any other SQLite database."""

VERSION = 2
"""Of the tables. A file of another version is refused."""

TABLES = f"""
CREATE TABLE messages (id TEXT PRIMARY KEY, due_at REAL NOT NULL, record TEXT NOT NULL, slot INTEGER) WITHOUT ROWID;
CREATE INDEX messages_due_at ON messages (due_at);
CREATE TABLE contents (slot INTEGER PRIMARY KEY, content BLOB NOT NULL);
{key_slots.SCHEMA.strip()}
CREATE TABLE reserve (pages BLOB NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
"""A message's row in `messages` names the slot of its key, which is also the number of its content. `record` has all
else, as JSON. So a lease, or a wrong passphrase, does not write a long content again. A tombstone has no slot."""


def create(execute: Execute) -> None:
    """Make the tables. Call it inside a transaction."""
    for statement in TABLES.strip().splitlines():
        execute(statement)


def version_of(execute: Execute, path: Path) -> int:
    """The version of the open database's schema; 0 if it is empty. Nothing is changed.

    Raises:
        StorageUnavailable: The database is another program's, or of another version.
    """
    [[application_id]] = execute("PRAGMA application_id")
    [[version]] = execute("PRAGMA user_version")
    [[tables]] = execute("SELECT count(*) FROM sqlite_schema")
    if not tables:
        return 0
    if application_id != APPLICATION_ID:
        raise StorageUnavailable(f"cannot open {path}: it is another program's database")
    if version != VERSION:
        raise StorageUnavailable(
            f"cannot open {path}: its schema has version {version}, this crypt-api knows {VERSION}"
        )
    return int(version)
