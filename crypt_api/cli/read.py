"""`crypt-api read`."""

from contextlib import closing
from pathlib import Path

import click

from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.link_argument import link_argument
from crypt_api.cli.passphrase_option import given_passphrase, passphrase_option
from crypt_api.cli.places import named_place
from crypt_api.cli.reading import finish, read_to
from crypt_api.cli.unfinished_downloads import unfinished_in
from crypt_api.client import Client
from crypt_api.client.errors import BadEnvelope, CryptApiError, InvalidLink, PartMissing
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
    """Read the message at LINK, or the answer to your question. Its last read destroys it.

    Others on this machine may see LINK on the command line, and the shell may keep it. Without LINK, or with -, the
    link is asked for, or comes from stdin.

    Text goes to stdout. So does a single file, unless stdout is a terminal: then files are saved in this folder under
    their names, and overwrite nothing. A note that comes with files goes to stderr.

    Large files are fetched in parts. If that is interrupted, the same command goes on, or --resume: until all files are
    complete, their key stays in $XDG_STATE_HOME/crypt-api.
    """
    if resume is not None:
        _resume(resume, as_json=as_json)
        return
    passphrase = given_passphrase(passphrase_file)
    place = named_place(output, force=force, as_json=as_json)
    with Client(parse_link(link).origin) as client, closing(place):
        read_to(client, link, passphrase, place, as_json=as_json)


def _resume(folder: Path, *, as_json: bool) -> None:
    failure: CryptApiError | None = None
    unfinished = list(unfinished_in(folder))
    if not unfinished:
        raise click.UsageError(f"There is no interrupted download in {folder}.")
    for download in unfinished:
        try:
            with Client(parse_link(download.message).origin) as client:
                finish(client, download, as_json=as_json)
        except (PartMissing, BadEnvelope, InvalidLink) as error:  # the others may be whole
            failure = error
    if failure is not None:
        raise failure
