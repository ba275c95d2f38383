"""`crypt-api send`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from crypt_api.cli.attached_files import check_resume, prepared_journal, resume_option, upload_failures
from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.generated import LENGTH, MAX_LENGTH, MIN_LENGTH, given_generated
from crypt_api.cli.new_content import given_content
from crypt_api.cli.number_options import WholeNumber
from crypt_api.cli.passphrase_option import ask_passphrase, given_passphrase, passphrase_option
from crypt_api.cli.progress import progress, transfer
from crypt_api.cli.qr_codes import draw_qr_code
from crypt_api.cli.service_options import notify_option, service_options, tells_bounds, ttl_option
from crypt_api.cli.terminal import check_stderr, check_stdout, tell
from crypt_api.cli.times import rfc3339, shown
from crypt_api.client import Client, Sent
from crypt_api.client.links import origin_of

MIN_PASSPHRASE_LENGTH = 4
"""Characters. Somebody who has the link has ten tries, and tries the shortest passphrases first."""


EXAMPLES = """\b
Examples:
  crypt-api send                           type the message; nobody sees it in the list of processes
  pg_dump shop | crypt-api send - --ttl 1h
  crypt-api send --file key.pem --passphrase --qr
  crypt-api send --file photos --file plan.pdf "as promised"
  password=$(crypt-api send --generate --show 2>&1 >link)
  curl "$(crypt-api send --plain 'until noon')"

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("text", required=False)
@click.option(
    "-f",
    "--file",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Send a file, or all files of a folder, with names and types; TEXT is a note to them. May be repeated.",
)
@resume_option
@ttl_option("message")
@click.option(
    "--reads", type=WholeNumber(1, 100), default=1, show_default=True, help="How often the message can be read."
)
@click.option(
    "-p", "--passphrase", "ask", is_flag=True, help="Ask for a passphrase, which the reader needs besides the link."
)
@passphrase_option
@click.option(
    "--generate",
    metavar="N",
    is_flag=False,
    flag_value=LENGTH,
    type=WholeNumber(MIN_LENGTH, MAX_LENGTH),
    help=f"Make a password of N characters, {LENGTH} (119 bits) without =N, and send it. None looks like another.",
)
@click.option(
    "--show", is_flag=True, help="Print what --generate has made on stderr, in the place of what is said there."
)
@notify_option("message")
@click.option(
    "--plain",
    is_flag=True,
    help="Do not encrypt: the link is short and works with curl, and the service can read the message.",
)
@click.option("--qr", is_flag=True, help="Also draw the link as a QR code, on stderr.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the link as JSON, with the time when a sealed message expires."
)
@reports_errors("If the message was stored, nobody has its link, and it expires by itself.")
@service_options
def send(  # noqa: PLR0913 - its options
    text: str | None,
    *,
    paths: tuple[Path, ...],
    resume: bool,
    ttl: int | None,
    reads: int,
    ask: bool,
    passphrase_file: Path | None,
    generate: int | None,
    show: bool,
    notify: str | None,
    plain: bool,
    qr: bool,
    as_json: bool,
    server: str,
    token: str | None,
) -> None:
    """Encrypt TEXT, store it, and print the link that reads it. Without TEXT, or with -, send what comes from stdin.

    Anybody who has the link can read the message, once. The service cannot. Others on this machine may see TEXT on the
    command line, and the shell may keep it: give a secret on stdin.

    What is larger than 100 KB is sent in parts, as far as the service takes them. Ctrl-C deletes what was sent. If the
    line or the machine fails, --resume goes on, for as long as the parts live: for that, the files' key stays in
    ~/.local/state/crypt-api/uploads until the message is sent.
    """
    check_stdout()
    if show:
        check_stderr()
    check_resume(paths, resume=resume)
    generated = given_generated(generate, is_shown=show, is_alone=text is None and not paths)
    text, files = given_content(generated or text, paths, "message", text_only=plain)
    passphrase = given_passphrase(passphrase_file)
    if ask and passphrase is None:
        passphrase = ask_passphrase(twice=True)
    if passphrase is not None and len(passphrase) < MIN_PASSPHRASE_LENGTH:
        raise click.UsageError(f"Use {MIN_PASSPHRASE_LENGTH} characters or more: a shorter passphrase is soon guessed.")
    said = ""
    with Client(server, token=token) as client:
        if plain:
            is_sealed = bool(passphrase) or reads != 1 or bool(files)
            result = _send_plain(client, server, text, ttl, notify, is_sealed=is_sealed)
        else:
            journal = prepared_journal(origin_of(server), files, resume=resume)
            with transfer("Sending") as report:
                options = {"reads": reads, "passphrase": passphrase, "files": files, "progress": report}
                options |= {"notify": notify}
                sent = _send(client, server, text, ttl, journal, options)
            result = {"link": sent.link, "expires_at": rfc3339(sent.expires_at)}
            said = f"It can be read {_often(reads)}, until {shown(sent.expires_at, sys.stderr)}."
    try:
        click.echo(json.dumps(result) if as_json else result["link"])
    except OSError as error:
        raise Undelivered(f"The link could not be written ({error.strerror}). It is {result['link']}") from None
    if qr:
        draw_qr_code(result["link"])
    if show and generated:
        _show(generated)
    elif said and not as_json:
        tell(f"{said} crypt-api status LINK tells what became of it.")


def _show(generated: str) -> None:
    try:
        click.echo(generated, err=True)
    except OSError as error:
        raise Undelivered(f"The password could not be shown ({error.strerror}). The link reads it.") from None


def _send(  # noqa: PLR0913, PLR0917 - what a message is made of
    client: Client, server: str, text: str, ttl: int | None, journal: Path | None, options: dict[str, Any]
) -> Sent:
    with upload_failures(journal), tells_bounds(server, ttl):
        return client.send(text, ttl=ttl, journal=journal, **options)


def _often(reads: int) -> str:
    return "once" if reads == 1 else f"{reads} times"


def _send_plain(  # noqa: PLR0913 - what a message is made of
    client: Client, server: str, text: str, ttl: int | None, notify: str | None, *, is_sealed: bool
) -> dict[str, str]:
    if is_sealed:
        raise click.UsageError("--plain takes text only, read once, without a passphrase.")
    with progress("Sending"):
        message_id = client.create_plain(text, ttl=ttl, notify=notify)
    return {"link": f"{origin_of(server)}/{message_id}"}
