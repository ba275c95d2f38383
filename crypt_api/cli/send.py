"""`crypt-api send`."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from crypt_api.cli.attached_files import attachments, prepared_journal
from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.lifetimes import Lifetime, bounds
from crypt_api.cli.passphrase_option import ask_passphrase, given_passphrase, passphrase_option
from crypt_api.cli.progress import progress, transfer
from crypt_api.cli.secret_files import given_secret
from crypt_api.cli.terminal import check_stdout, is_terminal, tell, visible
from crypt_api.cli.times import rfc3339, shown
from crypt_api.cli.typed import typed_message
from crypt_api.client import Attachment, Client, Sent
from crypt_api.client.content import MAX_CONTENT_BYTES, check_size
from crypt_api.client.errors import Refused, Unavailable
from crypt_api.client.links import origin_of
from crypt_core.http.errors import InvalidField

TOKEN_VARIABLE = "CRYPT_API_TOKEN"  # noqa: S105 - its name
MIN_PASSPHRASE_LENGTH = 4
"""Characters. Somebody who has the link has ten tries, and tries the shortest passphrases first."""


EXAMPLES = """\b
Examples:
  crypt-api send                           type the message; nobody sees it in the list of processes
  pg_dump shop | crypt-api send - --ttl 1h
  crypt-api send --file key.pem --passphrase --qr
  crypt-api send --file photos --file plan.pdf "as promised"
  curl "$(crypt-api send --plain 'until noon')"

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("text", required=False)
@click.option(
    "--file",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Send a file, or all files of a folder, with names and types; TEXT is a note to them. May be repeated.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with an upload of the same files that was interrupted. Give the other options again, too.",
)
@click.option(
    "--ttl",
    type=Lifetime(),
    metavar="TIME",
    help="When the message expires: 90s, 15m, 1h, 7d. The service has its bounds.",
)
@click.option(
    "--reads", type=click.IntRange(1, 100), default=1, show_default=True, help="How often the message can be read."
)
@click.option(
    "--passphrase", "ask", is_flag=True, help="Ask for a passphrase, which the reader needs besides the link."
)
@passphrase_option
@click.option(
    "--plain",
    is_flag=True,
    help="Do not encrypt: the link is short and works with curl, and the service can read the message.",
)
@click.option("--qr", is_flag=True, help="Also draw the link as a QR code, on stderr.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the link as JSON, with the time when a sealed message expires."
)
@click.option(
    "--server",
    envvar="CRYPT_API_SERVER",
    default="http://127.0.0.1:8787",
    show_default=True,
    show_envvar=True,
    help="The service to send to.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help=f"Read the token from the first line of this file, where the service wants one. Or set {TOKEN_VARIABLE}.",
)
@reports_errors("If the message was stored, nobody has its link, and it expires by itself.")
def send(  # noqa: PLR0913 - its options
    text: str | None,
    *,
    paths: tuple[Path, ...],
    resume: bool,
    ttl: int | None,
    reads: int,
    ask: bool,
    passphrase_file: Path | None,
    plain: bool,
    qr: bool,
    as_json: bool,
    server: str,
    token_file: Path | None,
) -> None:
    """Encrypt TEXT, store it, and print the link that reads it. Without TEXT, or with -, send what comes from stdin.

    Anybody who has the link can read the message, once. The service cannot. Others on this machine may see TEXT on the
    command line, and the shell may keep it: give a secret on stdin.

    What is larger than 100 KB is sent in parts, as far as the service takes them. Ctrl-C deletes what was sent. If the
    line or the machine fails, --resume goes on, for as long as the parts live: for that, the files' key stays in
    ~/.local/state/crypt-api/uploads until the message is sent.
    """
    check_stdout()
    if resume and not paths:
        raise click.UsageError("--resume goes on with files: name them with --file, as before.")
    text, files = _content(text, paths, plain=plain)
    passphrase = given_passphrase(passphrase_file)
    if ask and passphrase is None:
        passphrase = ask_passphrase(twice=True)
    if passphrase is not None and len(passphrase) < MIN_PASSPHRASE_LENGTH:
        raise click.UsageError(f"Use {MIN_PASSPHRASE_LENGTH} characters or more: a shorter passphrase is soon guessed.")
    said = ""
    with Client(server, token=given_secret(token_file, TOKEN_VARIABLE)) as client:
        if plain:
            is_sealed = bool(passphrase) or reads != 1 or bool(files)
            result = _send_plain(client, server, text, ttl, is_sealed=is_sealed)
        else:
            journal = prepared_journal(origin_of(server), files, resume=resume)
            with transfer("Sending") as report:
                options = {"reads": reads, "passphrase": passphrase, "files": files, "progress": report}
                sent = _send(client, server, text, ttl, journal, options)
            result = {"link": sent.link, "expires_at": rfc3339(sent.expires_at)}
            said = f"It can be read {_often(reads)}, until {shown(sent.expires_at, sys.stderr)}."
    try:
        click.echo(json.dumps(result) if as_json else result["link"])
    except OSError as error:
        raise Undelivered(f"The link could not be written ({error.strerror}). It is {result['link']}") from None
    if qr:
        _draw(result["link"])
    if said and not as_json:
        tell(f"{said} crypt-api status LINK tells what became of it.")


def _send(  # noqa: PLR0913, PLR0917 - what a message is made of
    client: Client, server: str, text: str, ttl: int | None, journal: Path | None, options: dict[str, Any]
) -> Sent:
    try:
        return client.send(text, ttl=ttl, journal=journal, **options)
    except Refused as error:
        if error.code == InvalidField.code and ttl is not None and (allowed := bounds(origin_of(server))):
            raise Refused(f"A message lives {allowed} here.", error.code) from None
        _say_that_it_can_go_on(journal)
        raise
    except Unavailable:
        _say_that_it_can_go_on(journal)
        raise
    except OSError as error:
        name = visible(str(error.filename or "A file"), lines=False)
        raise click.UsageError(f"{name} cannot be read: {error.strerror}.") from None


def _say_that_it_can_go_on(journal: Path | None) -> None:
    if journal is not None and journal.exists():
        click.echo("What was sent is kept. The same command with --resume goes on.", err=True)


def _often(reads: int) -> str:
    return "once" if reads == 1 else f"{reads} times"


def _draw(link: str) -> None:
    """Draw a QR code in white on black, whatever the terminal's colours are: not every camera reads the inverse."""
    import segno  # noqa: PLC0415 - few ask for it, and it takes a while

    drawing = io.StringIO()
    segno.make(link, error="m").terminal(out=drawing, compact=True)
    for line in drawing.getvalue().splitlines():
        tell(click.style(line, fg="bright_white", bg="black"))


def _send_plain(client: Client, server: str, text: str, ttl: int | None, *, is_sealed: bool) -> dict[str, str]:
    if is_sealed:
        raise click.UsageError("--plain takes text only, read once, without a passphrase.")
    with progress("Sending"):
        message_id = client.create_plain(text, ttl=ttl)
    return {"link": f"{origin_of(server)}/{message_id}"}


class _Rejoined:
    """A stream whose beginning was read already."""

    def __init__(self, beginning: bytes, rest: BinaryIO) -> None:
        self._beginning = beginning
        self._rest = rest

    def read(self, count: int, /) -> bytes:
        data, self._beginning = self._beginning[:count], self._beginning[count:]
        return data or self._rest.read(count)


def _stdin() -> bytes:
    """What comes from stdin, or more of it than fits into a message."""
    if sys.stdin is None:
        return b""
    if is_terminal(sys.stdin):
        prompt = "Type the message; end it with Enter and Ctrl-D."
        return typed_message(prompt, MAX_CONTENT_BYTES + 1).removesuffix(b"\n")
    return sys.stdin.buffer.read(MAX_CONTENT_BYTES + 1)


def _note(text: str | None) -> str:
    """The text that goes with files."""
    if text != "-":
        return text or ""
    try:
        data = _stdin()
        check_size(data)
        return data.decode()
    except UnicodeDecodeError:
        raise click.UsageError("The note is not text in UTF-8.") from None


def _content(text: str | None, paths: Sequence[Path], *, plain: bool) -> tuple[str, list[Attachment]]:
    """The text, and the files. What comes from stdin is a file if it is no text, or too large for one."""
    if paths:
        return _note(text), attachments(paths)
    if text and text != "-":
        return text, []
    data = b"" if text == "" else _stdin()
    if not data:
        raise click.UsageError("There is nothing to send.")
    if len(data) > MAX_CONTENT_BYTES:
        if plain or is_terminal(sys.stdin):
            check_size(data)
        return "", [Attachment(_Rejoined(data, sys.stdin.buffer), "stdin")]
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        return "", [Attachment(data, "stdin")]
