"""The store `sqlite`: messages in one SQLite file, which one process owns."""
