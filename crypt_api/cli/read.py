"""`crypt-api read`."""

import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NoReturn

import click

from crypt_api.cli.delivery import Undelivered, as_json_text, rescues
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, INTERRUPTED
from crypt_api.cli.link_argument import link_argument
from crypt_api.cli.passphrase_option import ask_passphrase, given_passphrase, passphrase_option
from crypt_api.cli.places import Delivered, Folder, NewFile, Place, Stdout, saved_as
from crypt_api.cli.progress import progress, transfer
from crypt_api.cli.terminal import is_terminal, tell, visible
from crypt_api.cli.typed import can_ask
from crypt_api.cli.unfinished import Unfinished, unfinished_in
from crypt_api.client import Client, Message
from crypt_api.client.errors import (
    BadEnvelope,
    CryptApiError,
    InvalidLink,
    PartMissing,
    PassphraseRequired,
    WrongPassphrase,
)
from crypt_api.client.links import parse_link

EXAMPLES = """\b
Examples:
  crypt-api read                           asks for the link; nobody sees it in the list of processes
  crypt-api read --link-file link -o key.pem
  crypt-api read --link-file link -o downloads/
  crypt-api read LINK | gpg --import

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Write the message to a new file; or, if PATH is a folder or ends with /, all files below it; - is stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite that file.")
@click.option(
    "--resume",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Go on with interrupted downloads in this folder; no link is needed.",
)
@passphrase_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print the text as JSON, with names, types, sizes and paths of the files."
)
@reports_errors("If the message was asked for, it may be gone; crypt-api status LINK tells.")
@link_argument
def read(  # noqa: PLR0913 - its options
    link: str, *, output: str | None, force: bool, resume: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    """Read the message at LINK. Its last read destroys it.

    Others on this machine may see LINK on the command line, and the shell may keep it. Without LINK, or with -, the
    link is asked for, or comes from stdin.

    Text goes to stdout. So does a single file, unless stdout is a terminal: then files are saved in this folder under
    their names, and overwrite nothing. A note that comes with files goes to stderr.

    Large files are fetched in parts. If that is interrupted, the same command goes on, or --resume: until all files are
    complete, their key stays in NAME.part.json beside them.
    """
    if resume is not None:
        _resume(resume, as_json=as_json)
        return
    parsed = parse_link(link)
    passphrase = given_passphrase(passphrase_file)
    place = _place(output, force=force, as_json=as_json)
    with Client(parsed.origin) as client, closing(place):
        if unfinished := place.unfinished(parsed.address):
            _finish(client, unfinished, as_json=as_json)
            return
        place.reserve()
        delivered = _deliver(client, link, passphrase, place, as_json=as_json)
        paths = delivered.paths
        if delivered.unfinished is not None:
            paths = _finish(client, delivered.unfinished, as_json=as_json)
    if delivered.is_elsewhere:
        raise Undelivered(f"The message has {len(paths)} files, and stdout takes one. They are saved in this folder.")


def _place(output: str | None, *, force: bool, as_json: bool) -> Place:
    if output == "-" and as_json:
        raise click.UsageError("--json goes to stdout, and so does --output -.")
    if output is None:
        return Folder(Path(), shows_text=True) if as_json or is_terminal(sys.stdout) else Stdout()
    if output == "-":
        return Stdout()
    if Path(output).is_dir() or output.endswith(("/", os.sep)):
        return Folder(Path(output), shows_text=as_json)
    return NewFile(Path(output), overwrite=force)


def _deliver(client: Client, link: str, passphrase: str | None, place: Place, *, as_json: bool) -> Delivered:
    """Read the message, write it, and acknowledge it; of large files, only what they can be fetched with."""
    is_delivered = False
    try:
        with ExitStack() as until_delivered:
            message = _open(client, link, passphrase, until_delivered)
            with rescues(message, parse_link(link).address):
                if message.files and message.text and not as_json:
                    tell(visible(message.text))
                if as_json and not message.files:
                    delivered = Delivered()
                else:
                    delivered = place.deliver(message, parse_link(link).address)
                if as_json and delivered.unfinished is None:
                    click.echo(as_json_text(message, delivered.paths))
            is_delivered = delivered.unfinished is None
            if delivered.said and not as_json:
                tell(delivered.said)
    except KeyboardInterrupt:
        if not is_delivered:
            raise
        _end_interrupted()
    return delivered


def _resume(folder: Path, *, as_json: bool) -> None:
    failure: CryptApiError | None = None
    unfinished = list(unfinished_in(folder))
    if not unfinished:
        raise click.UsageError(f"There is no interrupted download in {folder}.")
    for download in unfinished:
        try:
            with Client(parse_link(download.message).origin) as client:
                _finish(client, download, as_json=as_json)
        except (PartMissing, BadEnvelope, InvalidLink) as error:  # the others may be whole
            failure = error
    if failure is not None:
        raise failure


def _finish(client: Client, unfinished: Unfinished, *, as_json: bool) -> list[Path]:
    """Fetch the files of a message that is acknowledged already; give their paths."""
    with unfinished.locked():
        return _finish_locked(client, unfinished, as_json=as_json)


def _finish_locked(client: Client, unfinished: Unfinished, *, as_json: bool) -> list[Path]:
    message = client.resume(unfinished.ticket)
    if len(message.files) != len(unfinished.paths):
        raise BadEnvelope(f"{unfinished.state} is damaged.")
    folder = unfinished.state.parent
    try:
        with transfer("Fetching") as report:
            paths = unfinished.finish(message, report)
        click.echo(as_json_text(message, paths) if as_json else saved_as(paths), err=not as_json)
    except OSError as error:
        raise Undelivered(
            f"The files could not be written ({error.strerror}). crypt-api read --resume {folder} goes on."
        ) from None
    except (PartMissing, BadEnvelope):
        state = visible(str(unfinished.state), lines=False)
        click.echo(f"{state} remembers the download: remove it, and what is beside it, to give up.", err=True)
        raise
    except (CryptApiError, KeyboardInterrupt):
        click.echo(f"What was fetched is kept. crypt-api read --resume {folder} goes on.", err=True)
        raise
    unfinished.forget()
    try:
        with progress("Deleting the parts"):
            message.delete_parts()
    except KeyboardInterrupt:
        _end_interrupted()
    return paths


def _end_interrupted() -> NoReturn:
    tell("Interrupted. The message is written.")
    sys.exit(INTERRUPTED)


def _open(client: Client, link: str, passphrase: str | None, until_delivered: ExitStack) -> Message:
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
