"""The passphrase: from a file, from the environment, or typed."""

from collections.abc import Callable
from pathlib import Path

import click

from crypt_api.cli.secret_files import SecretFile, given_secret
from crypt_api.cli.typed import ask_secret

PASSPHRASE_VARIABLE = "CRYPT_API_PASSPHRASE"  # noqa: S105 - its name


def passphrase_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option `--passphrase-file`."""
    return click.option(
        "--passphrase-file",
        type=SecretFile(),
        help=f"Read the passphrase from the first line of this file. Or set {PASSPHRASE_VARIABLE}.",
    )(command)


def given_passphrase(file: Path | None) -> str | None:
    """Give the passphrase from the file or the environment; None if neither has a passphrase."""
    return given_secret(file, PASSPHRASE_VARIABLE)


def ask_passphrase(*, twice: bool = False) -> str:
    """Let a person type the passphrase, without showing it."""
    while True:
        passphrase = ask_secret("Passphrase", f"use --passphrase-file or {PASSPHRASE_VARIABLE}")
        if passphrase and (not twice or ask_secret("Repeat for confirmation", "") == passphrase):
            return passphrase
        click.echo("The two are not the same." if passphrase else "A passphrase is not empty.", err=True)
