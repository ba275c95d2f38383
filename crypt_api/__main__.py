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
            "crypt-api was installed without any of its extras: 'client' sends and reads messages, 'server' serves "
            "them. Install it again as crypt-api[client,server], from where you have it."
        )
    cli.main()


if __name__ == "__main__":
    main()
