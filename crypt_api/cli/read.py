"""`crypt-api read`."""

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import IO

import click

from crypt_api.cli import delivery
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, INTERRUPTED
from crypt_api.cli.link_argument import link_argument
from crypt_api.cli.passphrase_option import ask_passphrase, given_passphrase, passphrase_option
from crypt_api.cli.progress import progress
from crypt_api.cli.terminal import check_stdout, show, tell, visible
from crypt_api.cli.typed import can_ask
from crypt_api.client import Client, Content
from crypt_api.client.errors import PassphraseRequired, WrongPassphrase
from crypt_api.client.links import parse_link

STDOUT = Path("-")

EXAMPLES = """\b
Examples:
  crypt-api read                           asks for the link; nobody sees it in the list of processes
  crypt-api read --link-file link -o key.pem
  crypt-api read LINK | gpg --import

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write the message to a new file, as it is; - is stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite that file.")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Print the message as JSON, with a file's name and type.")
@reports_errors("If the message was asked for, it may be gone; crypt-api status LINK tells.")
@link_argument
def read(link: str, *, output: Path | None, force: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Read the message at LINK. Its last read destroys it.

    Others on this machine may see LINK on the command line, and the shell may keep it. Without LINK, or with -, the
    link is asked for, or comes from stdin.

    Text goes to stdout. So does a file, unless stdout is a terminal: then the file is saved in this folder under its
    name, and overwrites nothing. A note that comes with a file goes to stderr.
    """
    if as_json and output is not None:
        raise click.UsageError("--json goes to stdout; leave out --output.")
    passphrase = given_passphrase(passphrase_file)
    is_delivered = False
    try:
        with Client(parse_link(link).origin) as client, ExitStack() as until_delivered:
            with _target(output, force=force) as file:
                content = _open(client, link, passphrase, until_delivered)
                with delivery.rescues(content):
                    if content.note and not as_json:
                        tell(visible(content.note))
                    said = _deliver(content, file, output, as_json=as_json)
            is_delivered = True
            if said:
                tell(said)
    except KeyboardInterrupt:
        if not is_delivered:
            raise
        tell("Interrupted. The message is written.")
        sys.exit(INTERRUPTED)


def _deliver(content: Content, file: IO[bytes] | None, output: Path | None, *, as_json: bool) -> str:
    """Write the message where it is wanted; give a sentence about that for stderr, if there is one."""
    if file is not None:
        delivery.write(content, file)
        return f"Saved as {output}."
    if as_json:
        click.echo(delivery.as_json(content))
    elif output == STDOUT or not sys.stdout.isatty():
        click.echo(content.data, nl=False)
    elif content.name is not None:
        return f"The message is a file. It is saved as {delivery.save_under_its_name(content)}."
    else:
        return show(content.text, sys.stdout)
    return ""


def _target(output: Path | None, *, force: bool) -> AbstractContextManager[IO[bytes] | None]:
    """Open the place to write to, before the message is read; None is stdout."""
    if output is not None and output != STDOUT:
        return delivery.reserved(output, overwrite=force)
    check_stdout()
    return nullcontext()


def _open(client: Client, link: str, passphrase: str | None, until_delivered: ExitStack) -> Content:
    """Read the message; ask for its passphrase at a terminal. It is acknowledged when `until_delivered` is closed."""
    while True:
        try:
            with progress("Reading"):
                return until_delivered.enter_context(client.reading(link, passphrase=passphrase))
        except (PassphraseRequired, WrongPassphrase) as error:
            is_over = isinstance(error, WrongPassphrase) and error.tries_left == 0
            if is_over or not can_ask():
                raise
            click.echo(str(error), err=True)
            passphrase = ask_passphrase()
