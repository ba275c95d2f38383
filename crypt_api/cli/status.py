"""`crypt-api status`."""

import json
import sys

import click

from crypt_api.cli.delivery import print_result
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES, ExitCode
from crypt_api.cli.link_argument import link_argument
from crypt_api.cli.progress import progress
from crypt_api.cli.terminal import tell
from crypt_api.cli.times import rfc3339, shown
from crypt_api.cli.used_link import User, user
from crypt_api.client import Client, Receipt
from crypt_api.client.links import parse_link

STATES = {"asked": ExitCode.REFUSED, "unread": 0, "read": ExitCode.ALREADY_READ, "destroyed": ExitCode.NOT_FOUND}
"""The exit code for each state: the one that `crypt-api read` would have."""


QUESTION_STATES = {"asked": "not answered yet", "unread": "answered, not read yet"}
"""The words for the states that a question has before its answer is read."""


@click.command(epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the whole receipt as JSON.")
@click.option(
    "--exit-code",
    "as_exit_code",
    is_flag=True,
    help="Also tell by the exit code: 4 if it was read, 3 if destroyed, 6 if nobody has answered.",
)
@reports_errors("Nothing was changed.")
@link_argument
def status(link: str, *, as_json: bool, as_exit_code: bool) -> None:
    """Tell what has become of the message at LINK, without reading it; or of a question, by either of its links.

    Without LINK, or with -, the link is asked for, or comes from stdin: others may see LINK on the command line.
    """
    parsed = parse_link(link)
    if parsed.secret is None:
        raise click.UsageError(
            "A plain message has no receipt, so nobody can tell whether it was read. Links with a # in them have one."
        )
    with Client(parsed.origin) as client, progress("Asking"):
        receipt = client.receipt(link)
    is_question = user() is not User.READER
    if as_json:
        print_result(json.dumps(_fields(receipt)))
    else:
        print_result(_line(receipt, is_question=is_question))
        if receipt.state == "asked":
            tell(f"It can be answered until {shown(receipt.expires_at, sys.stderr)}.")
        elif receipt.reads_left:
            tell(f"The {'answer' if is_question else 'message'} expires at {shown(receipt.expires_at, sys.stderr)}.")
    if as_exit_code:
        sys.exit(STATES[receipt.state])


def _line(receipt: Receipt, *, is_question: bool) -> str:
    state = QUESTION_STATES.get(receipt.state, receipt.state) if is_question else receipt.state
    when = f" at {shown(receipt.at, sys.stdout)}" if receipt.at else ""
    # One read left is worth a word only after another read.
    has_more = receipt.reads_left > 1 or (receipt.reads_left and receipt.state == "read")
    left = f", {receipt.reads_left} read{'s' if receipt.reads_left > 1 else ''} left" if has_more else ""
    return f"{state}{when}{left}"


def _fields(receipt: Receipt) -> dict[str, object]:
    return {
        "state": receipt.state,
        "passphrase": receipt.passphrase,
        "reads_left": receipt.reads_left,
        "at": None if receipt.at is None else rfc3339(receipt.at),
        "expires_at": rfc3339(receipt.expires_at),
    }
