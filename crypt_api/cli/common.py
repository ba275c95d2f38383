"""What the commands that speak to a service have in common: exit codes, passphrases, waiting."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import wraps
from pathlib import Path
from threading import Timer
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from crypt_api.cli.delivery import Undelivered, visible
from crypt_api.client import errors

PASSPHRASE_VARIABLE = "CRYPT_API_PASSPHRASE"  # noqa: S105 - its name

PATIENCE = 1.0
"""Seconds that something may take before it is worth a word."""

stderr = Console(stderr=True, highlight=False)


class ExitCode(IntEnum):
    """What the shell is told, besides 0 for success, and 1 where it was interrupted or met a bug."""

    USAGE = 2
    NOT_FOUND = 3
    ALREADY_READ = 4
    PASSPHRASE = 5
    REFUSED = 6
    UNREACHABLE = 7
    DAMAGED = 8
    UNDELIVERED = 9


EXIT_CODES = """\b
Exit codes:
  0  done
  2  a mistake on the command line
  3  no such message: never there, expired, or destroyed
  4  somebody has read it before
  5  a passphrase is needed, is wrong, or is one too many
  6  the service refused the request, or asks to wait
  7  the service cannot be reached, or its storage is down
  8  the message was damaged or forged
  9  the result could not be written; stderr tells where it is"""

_CODES: list[tuple[type[Exception], ExitCode, str]] = [
    (
        errors.AlreadyRead,
        ExitCode.ALREADY_READ,
        "If it was not you, tell the sender: the link is known to somebody else.",
    ),
    (errors.NotFound, ExitCode.NOT_FOUND, "Ask the sender for a new link."),
    (errors.PassphraseRequired, ExitCode.PASSPHRASE, f"Use --passphrase-file or {PASSPHRASE_VARIABLE}."),
    (errors.WrongPassphrase, ExitCode.PASSPHRASE, "Ask the sender before the tries are used up."),
    (
        errors.UnexpectedPassphrase,
        ExitCode.PASSPHRASE,
        "If the sender told you one, ask; otherwise read it without.",
    ),
    (errors.RateLimited, ExitCode.REFUSED, "Wait, and try again."),
    (errors.InvalidLink, ExitCode.REFUSED, "Is it complete? Put it in quotes, so that the shell leaves it alone."),
    (errors.InvalidText, ExitCode.USAGE, "What is no text can be sent as a file, or through stdin."),
    (errors.ContentTooLarge, ExitCode.REFUSED, "100 KB is the most; send it in parts, or elsewhere, and its key here."),
    (errors.Refused, ExitCode.REFUSED, ""),
    (
        errors.AnswerLost,
        ExitCode.UNREACHABLE,
        "Whether it was done is not known. Try again; crypt-api status LINK tells what became of a message.",
    ),
    (errors.Unavailable, ExitCode.UNREACHABLE, "Nothing is lost: try again, or look at --server."),
    (errors.BadEnvelope, ExitCode.DAMAGED, "Ask the sender to send it again."),
    (Undelivered, ExitCode.UNDELIVERED, ""),
]


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say what went wrong, and what to do next, on stderr; and by the exit code."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (errors.CryptApiError, Undelivered) as error:
            for kind, code, advice in _CODES:
                if isinstance(error, kind):
                    click.echo(visible(f"Error: {error}") + (f"\n{advice}" if advice else ""), err=True)
                    sys.exit(code)
            raise

    return wrapper


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """On a terminal, show that something is going on once it has gone on for a while."""
    if not stderr.is_terminal:
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=stderr, transient=True)
    progress.add_task(text, total=None)
    timer = Timer(PATIENCE, progress.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


def check_stdout() -> None:
    """Raises UsageError if the result could not be written anywhere."""
    if sys.stdout is None:
        raise click.UsageError("There is nowhere to write to: stdout is closed.")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is there. A stream that was closed is None."""
    return stream is not None and stream.isatty()


def passphrase_options(command: Callable[..., None]) -> Callable[..., None]:
    """A passphrase is never an argument: those are seen by every user of the machine, and kept by the shell."""
    return click.option(
        "--passphrase-file",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        help=f"Read the passphrase from a file's first line. Or set {PASSPHRASE_VARIABLE}.",
    )(command)


def given_passphrase(file: Path | None) -> str | None:
    """The passphrase that was given without asking."""
    if file is None:
        return os.environ.get(PASSPHRASE_VARIABLE) or None
    # What is no UTF-8 is refused where the passphrase is used, and where one from elsewhere is, too.
    with click.open_file(str(file), encoding="utf-8", errors="surrogateescape") as lines:
        passphrase = str(lines.readline()).rstrip("\r\n")
    if not passphrase:
        raise click.UsageError("The passphrase file's first line is empty.")
    return passphrase
