"""`crypt-api`, and `python -m crypt_api`."""

import sys

from crypt_api.extras import MissingExtra, load


def main() -> None:
    """Run the command line; without the library that it is made with, say which extras bring it."""
    try:
        cli = load("crypt_api.cli", "client", "server")
    except MissingExtra as error:
        sys.exit(str(error))
    cli.main()


if __name__ == "__main__":
    main()
