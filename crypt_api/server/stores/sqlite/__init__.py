"""The store `sqlite`: messages in one SQLite file, which one process owns.

The way of a command, and back:

    store.apply ─▶ writer.submit ─▶ writer._decide ─▶ group_commit.decide ─▶ database, records     on the event loop
                                          │ an open transaction, and the file with it
                                          ▼
    store.apply ◀─ writer._arrive ◀─ writer._serve ─▶ group_commit.apply ─▶ database.commit        in the thread

Which file owns which state:

    store.py         the thread
    writer.py        the commands that wait, and the lock on the file
    group_commit.py  nothing: it decides a group, commits it, and finds out what became of a commit that failed
    housekeeping.py  when the next step is due, the place of the sweep, and what is reported to the operator
    database.py      the connection and its `State`
    storage_room.py  whether new messages are refused, and how the database grows
    wal.py           the log's size, and whether the log may hold something destroyed
    records.py       the tables, and the records of one transaction in memory
    key_slots.py     the table of the keys, and how a content is encrypted
    system.py        nothing: what the store takes from the machine, so that a simulation can pass its own
    files.py         which file was opened, and whether it is still the one under its path
    connection.py    how SQLite is opened, and what its errors mean
    wall_clock.py    which time is believed

Each file uses only files below it in this list. `group_commit` and `housekeeping` do not know each other.

Who may touch the database when: the holder of the writer's `_file_lock`. An event loop takes the lock to decide a
group, and never waits for it. If the group changes something, the lock goes to the thread with the group. The thread
also takes the lock for a step of housekeeping, and for commands that no event loop decides. The thread alone waits for
the disk.
"""
