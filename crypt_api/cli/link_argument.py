"""The link: an argument, or better from a file, from stdin, or typed. Every user of the machine sees arguments."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from crypt_api.cli.secret_files import STDIN, given_secret
from crypt_api.cli.terminal import is_terminal
from crypt_api.cli.typed import ask_secret


def link_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command its `link`: from LINK, from `--link-file`, or without both from stdin."""

    @click.argument("link", required=False)
    @click.option(
        "--link-file",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
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
        elif link is None or link == "-":
            link = _link_from(link_file or STDIN, options)
        command(link=link, **options)

    return with_link


def _link_from(file: Path, options: dict[str, Any]) -> str:
    if file == STDIN and is_terminal(sys.stdin):
        return ask_secret("Link", "give it on stdin or use --link-file")
    if file == STDIN and options.get("passphrase_file") == STDIN:
        raise click.UsageError("Link and passphrase cannot both come from stdin.")
    return given_secret(file, "") or ""
