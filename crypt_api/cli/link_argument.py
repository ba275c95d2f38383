"""The link: an argument, or better from a file, from stdin, or typed. Every user of the machine sees arguments."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from crypt_api.cli.secret_files import STDIN, SecretFile, given_secret
from crypt_api.cli.terminal import is_terminal
from crypt_api.cli.typed import ask_secret
from crypt_api.cli.used_link import use_link


def link_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command its `link`: from LINK, from `--link-file`, or without both from stdin."""

    @click.argument("link", required=False)
    @click.option(
        "--link-file",
        type=SecretFile(),
        help="Read the link from the first line of this file.",
    )
    @wraps(command)
    def with_link(link: str | None, link_file: Path | None, **options: Any) -> None:
        if link_file is not None and link is not None:
            raise click.UsageError("Give LINK or --link-file, not both.")
        if options.get("resume") is not None:  # it knows the message without its link
            if link is not None or link_file is not None:
                raise click.UsageError("Give a link or --resume, not both.")
            link = ""
        else:
            link = use_link(
                given_link(link, link_file, "passphrase" if options.get("passphrase_file") == STDIN else "")
            )
        command(link=link, **options)

    return with_link


def given_link(link: str | None, file: Path | None, other: str = "") -> str:
    """The link itself, or the one in the file, or else the one that is asked for, or that comes from stdin.

    Raises:
        UsageError: There is none; or stdin is no terminal, and has the `other` thing already.
    """
    if link not in (None, "-") and file is None:
        return str(link)
    if file in (None, STDIN) and is_terminal(sys.stdin):
        return ask_secret("Link", "give it on stdin or use --link-file")
    if file in (None, STDIN) and other:
        raise click.UsageError(f"Link and {other} cannot both come from stdin.")
    return given_secret(file or STDIN, "") or ""
