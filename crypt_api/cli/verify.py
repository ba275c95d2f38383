"""`crypt-api verify`."""

import sys

import click
import httpx

from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, ExitCode
from crypt_api.client.errors import Unavailable
from crypt_api.client.links import origin_of
from crypt_api.client.page_check import check_page, shipped_hashes
from crypt_core import __version__


@click.command(epilog=EXIT_CODES)
@click.argument("server", required=False)
@click.option("--hashes", is_flag=True, help="Print the SHA-256 of each file that this version ships, and ask nobody.")
@reports_errors("Nothing was changed.")
def verify(server: str | None, *, hashes: bool) -> None:
    """Check that the web page of SERVER is, byte for byte, the one that this version of crypt-api ships.

    The page encrypts, so a service that changes it could read what is written there. This sees what the service gives
    to this machine, now: a service could give something else to somebody else.
    """
    if hashes:
        for path, digest in shipped_hashes().items():
            click.echo(f"{digest}  {path}")
        return
    if server is None:
        raise click.UsageError("Name the service, such as https://example.org.")
    origin, problems = origin_of(server), 0
    with httpx.Client(timeout=30) as client:
        try:
            for path, problem in check_page(client, origin):
                click.echo(f"{path} {problem}" if problem else f"{path} is as shipped")
                problems += bool(problem)
        except httpx.RequestError as error:
            host = httpx.URL(origin).netloc.decode()
            raise Unavailable(f"{host} cannot be reached ({type(error).__name__}).") from None
    if problems:
        click.echo(f"The page is not the one of crypt-api {__version__}. Do not write secrets there.", err=True)
        sys.exit(ExitCode.DIFFERENT)
    click.echo(f"Every file is the one of crypt-api {__version__}.", err=True)
