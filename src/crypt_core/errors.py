"""What can go wrong outside of HTTP. `http/errors.py` says what a client is told of it."""


class SettingsError(ValueError):
    """A setting has a value that cannot be used. The text names the setting and its bounds."""


class StorageUnavailable(Exception):
    """The store did not apply the command, and changed nothing. The argument is the reason, for the operator's log."""
