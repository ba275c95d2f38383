"""The passphrase: from a file, from the environment, or typed.

A passphrase is never an argument: every user of the machine sees arguments, and the shell keeps them.
"""

import os
from collections.abc import Callable
from pathlib import Path

import click

PASSPHRASE_VARIABLE = "CRYPT_API_PASSPHRASE"  # noqa: S105 - its name


def passphrase_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option `--passphrase-file`."""
    return click.option(
        "--passphrase-file",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        help=f"Read the passphrase from the first line of this file. Or set {PASSPHRASE_VARIABLE}.",
    )(command)


def given_passphrase(file: Path | None) -> str | None:
    """Give the passphrase from the file or the environment; None if neither has a passphrase."""
    return given_secret(file, PASSPHRASE_VARIABLE)


def given_secret(file: Path | None, variable: str) -> str | None:
    """Give the first line of the file, or else what the variable holds; None without a file and a variable."""
    if file is None:
        return os.environ.get(variable) or None
    # Invalid UTF-8 is let through here: it is refused where the passphrase is used, as one from the environment is.
    with click.open_file(str(file), encoding="utf-8", errors="surrogateescape") as lines:
        passphrase = str(lines.readline()).rstrip("\r\n")
    if not passphrase:
        raise click.UsageError(f"The first line of {file} is empty.")
    return passphrase


def ask_passphrase(*, twice: bool = False) -> str:
    """Let a person type the passphrase, without showing it."""
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))
