"""`crypt-api`, and `python -m crypt_api`."""

import sys
from importlib import import_module


def main() -> None:
    """Run the command line; say so if nothing of what it needs is installed."""
    try:
        cli = import_module("crypt_api.cli")
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit(
            "crypt-api was installed without its parts. Install 'crypt-api[client]' to send and read messages, "
            "'crypt-api[server]' to serve them, 'crypt-api[client,server]' for both."
        )
    cli.main()


if __name__ == "__main__":
    main()
