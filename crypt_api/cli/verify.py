"""`crypt-api verify`."""

import sys
import time
from collections.abc import Mapping
from contextlib import closing

import click
import httpx

from crypt_api.cli.delivery import print_result
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, ExitCode
from crypt_api.cli.terminal import tell
from crypt_api.client.drivers import Driver
from crypt_api.client.errors import AnswerLost, Unavailable
from crypt_api.client.links import origin_of
from crypt_api.client.page_check import check_page, shipped_hashes
from crypt_api.client.retries import ask
from crypt_core import __version__


@click.command(epilog=EXIT_CODES)
@click.argument("server", required=False)
@click.option("--hashes", is_flag=True, help="Print the SHA-256 of each file that this version ships, and ask nobody.")
@reports_errors("Nothing was changed.")
def verify(server: str | None, *, hashes: bool) -> None:
    """Check that the web pages of SERVER are, byte for byte, those that this version of crypt-api ships.

    The page encrypts, so a service that changes it could read what is written there. This sees what the service gives
    to this machine, now: a service could give something else to somebody else.
    """
    if hashes:
        for path, digest in shipped_hashes().items():
            print_result(f"{digest}  {path}")
        return
    if server is None:
        raise click.UsageError("Name the service, such as https://example.org.")
    origin, problems = origin_of(server), 0
    with closing(Driver(None, time.sleep)) as driver:

        def fetch(path: str, headers: Mapping[str, str]) -> httpx.Response:
            return driver.run(ask(httpx.Request("GET", origin + path, headers=headers))).response

        try:
            for name, problem in check_page(fetch, httpx.URL(origin).scheme):
                print_result(f"{name} {problem or 'is as shipped'}")
                problems += bool(problem)
        except AnswerLost as error:  # there is nothing that may have been done
            raise Unavailable(str(error)) from None
    if problems:
        tell(f"The page is not the one of crypt-api {__version__}. Do not write secrets there.")
        sys.exit(ExitCode.DIFFERENT)
    tell(f"Every page and file is the one of crypt-api {__version__}.")
