"""`crypt-api ask`."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import click

from crypt_api.cli.delivery import Undelivered, print_result
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, ExitCode
from crypt_api.cli.new_content import given_text
from crypt_api.cli.places import Place, named_place
from crypt_api.cli.progress import progress
from crypt_api.cli.qr_codes import draw_qr_code
from crypt_api.cli.reading import read_to
from crypt_api.cli.service_options import notify_option, service_options, tells_bounds, ttl_option
from crypt_api.cli.terminal import check_stderr, check_stdout, tell
from crypt_api.cli.times import rfc3339, shown
from crypt_api.cli.used_link import use_link
from crypt_api.client import Asked, Client
from crypt_api.client.errors import NotFound, RateLimited, Unavailable

FIRST_PAUSE, LAST_PAUSE, GROWTH = 2.0, 30.0, 1.25
"""Seconds between two looks for an answer, as on the web page: the command may be left waiting for a day."""

EXAMPLES = """\b
Examples:
  crypt-api ask "What is the password of the router?" --wait
  crypt-api ask --qr                       type the question, or none
  crypt-api ask "The new key, please" --json > links.json

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("question", required=False)
@ttl_option("question")
@notify_option("question")
@click.option("--wait", is_flag=True, help="Wait for the answer, and print it as crypt-api read does.")
@click.option("--qr", is_flag=True, help="Also draw the link to answer as a QR code, on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print both links as JSON; and the answer, too, with --wait.")
@reports_errors("A question that was stored waits until it expires; crypt-api status LINK tells what became of it.")
@service_options
def ask(  # noqa: PLR0913 - its options
    question: str | None,
    *,
    ttl: int | None,
    notify: str | None,
    wait: bool,
    qr: bool,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Ask somebody for a secret: encrypt QUESTION, store it, and print the link to answer it.

    There are two links. Send the one on stdout, #answer.…, to somebody who has the answer. Keep the other one, #ask.…,
    on stderr: crypt-api read prints the answer with it, once, and nothing else does. The service can read neither
    question nor answer. Anybody who has the first link can answer, and the first answer counts.

    Without QUESTION, or with -, it comes from stdin; it may be empty. With --wait, stdout is for the answer, and both
    links are on stderr. A connection that is lost meanwhile is no matter.
    """
    check_stdout()
    if not as_json:
        check_stderr()
    text = given_text("-" if question is None else question, "question")
    with Client(server, token=token) as client:
        with progress("Asking"), tells_bounds(server, ttl):
            asked = client.ask(text, ttl=ttl, notify=notify)
        _show(client, asked, is_waiting=wait, as_json=as_json)
        if qr:
            draw_qr_code(asked.answer_link)
        if wait:
            with closing(named_place(None, force=False, as_json=as_json)) as place:
                use_link(asked.ask_link)
                _read_answer(client, asked, place, as_json=as_json)


def _show(client: Client, asked: Asked, *, is_waiting: bool, as_json: bool) -> None:
    """Print the links.

    Raises:
        Undelivered: The ask link could not be written: nobody could read an answer. The question is destroyed.
    """
    if as_json:
        fields = {"answer_link": asked.answer_link, "ask_link": asked.ask_link, "expires_at": rfc3339(asked.expires_at)}
        print_result(json.dumps(fields))
        return
    try:
        click.echo(f"Keep this link. It reads the answer; send it to nobody:\n{asked.ask_link}", err=True)
    except OSError as error:
        client.destroy(asked.ask_link)
        raise Undelivered(
            f"The link that reads the answer could not be written ({error.strerror}). The question is destroyed."
        ) from None
    until = shown(asked.expires_at, sys.stderr)
    tell(f"Send this one to somebody who has the answer. It can be answered once, until {until}:")
    if is_waiting:
        tell(asked.answer_link)
    else:
        print_result(asked.answer_link)


def _read_answer(
    client: Client, asked: Asked, place: Place, *, as_json: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait for the answer, and read it to the place. A service that cannot be reached is asked again until then."""
    pause, is_lost, is_read = FIRST_PAUSE, False, False
    while not is_read:
        try:
            with progress("Waiting for the answer"):
                while client.receipt(asked.ask_link).state == "asked":
                    is_lost = False
                    sleep(pause)
                    pause = min(pause * GROWTH, LAST_PAUSE)
            read_to(client, asked.ask_link, None, place, as_json=as_json)
            is_read = True
        except (Unavailable, RateLimited) as error:
            if datetime.now(UTC) > asked.expires_at:
                raise
            if not is_lost:
                tell(f"{error} Waiting goes on.")
            is_lost = True
            sleep(pause)
        except NotFound as error:
            if type(error) is not NotFound:
                raise
            tell("Error: Nobody has answered in time.")
            sys.exit(ExitCode.NOT_FOUND)
