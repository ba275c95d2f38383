"""`crypt-api burn`."""

import click

from crypt_api.cli.delivery import print_result
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.link_argument import link_argument
from crypt_api.cli.progress import progress
from crypt_api.client import Client
from crypt_api.client.links import parse_link


@click.command(epilog=EXIT_CODES)
@reports_errors("The message may be destroyed; crypt-api status LINK tells.")
@link_argument
def burn(link: str) -> None:
    """Destroy the message at LINK unread; or your question, and its answer, if nobody has read it.

    Without LINK, or with -, the link is asked for, or comes from stdin: others may see LINK on the command line.
    """
    with Client(parse_link(link).origin) as client, progress("Destroying"):
        client.destroy(link)
    print_result("destroyed")
