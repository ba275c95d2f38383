"""`crypt-api read`."""

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import IO

import click

from crypt_api.cli import delivery
from crypt_api.cli.common import (
    EXIT_CODES,
    check_stdout,
    given_passphrase,
    is_terminal,
    passphrase_options,
    reports_errors,
    waiting,
)
from crypt_api.client.client import Client
from crypt_api.client.envelope import Content
from crypt_api.client.errors import PassphraseRequired, WrongPassphrase

STDOUT = Path("-")

EXAMPLES = """\b
Examples:
  crypt-api read 'https://example.org/#q83vASNFZ4mrze8BI0VniQ'
  crypt-api read LINK -o key.pem
  crypt-api read LINK | gpg --import

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("link")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write it to a new file, as it is; - is stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite that file.")
@passphrase_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with a file's name and type.")
@reports_errors
def read(link: str, *, output: Path | None, force: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Read the message at LINK, and destroy it there.

    Text goes to stdout. So does a file, unless that is a terminal: then it is saved here under its name, never
    over another.
    """
    if as_json and output is not None:
        raise click.UsageError("--json goes to stdout; leave out --output.")
    passphrase = given_passphrase(passphrase_file)
    with Client(link) as client, ExitStack() as until_delivered:
        with _target(output, force=force) as file:
            content = _open(client, link, passphrase, until_delivered)
            with delivery.rescues(content):
                report = _deliver(content, file, output, as_json=as_json)
        if report:
            with suppress(OSError):  # it is delivered, whether or not anybody hears of it
                click.echo(report, err=True)


def _deliver(content: Content, file: IO[bytes] | None, output: Path | None, *, as_json: bool) -> str:
    """Write the message where it is wanted; what is to be said of that comes back."""
    if file is not None:
        delivery.write(content, file)
        return f"Saved as {output}."
    if as_json:
        click.echo(delivery.as_json(content))
    elif output == STDOUT or not sys.stdout.isatty():
        click.echo(content.data, nl=False)
    elif content.name is not None:
        return f"It was a file: saved as {delivery.save_under_its_name(content)}."
    else:
        return delivery.show(content, sys.stdout)
    return ""


def _target(output: Path | None, *, force: bool) -> AbstractContextManager[IO[bytes] | None]:
    """Where to write to, tried before anything is read; None is stdout."""
    if output is not None and output != STDOUT:
        return delivery.reserved(output, overwrite=force)
    check_stdout()
    return nullcontext()


def _open(client: Client, link: str, passphrase: str | None, until_delivered: ExitStack) -> Content:
    """The message, for which the service waits to hear that it was delivered."""
    while True:
        try:
            with waiting("Reading"):
                return until_delivered.enter_context(client.reading(link, passphrase=passphrase))
        except (PassphraseRequired, WrongPassphrase) as error:
            is_over = isinstance(error, WrongPassphrase) and error.tries_left == 0
            if is_over or not is_terminal(sys.stdin):
                raise
            click.echo(str(error), err=True)
            passphrase = click.prompt("Passphrase", hide_input=True, err=True)
