"""`crypt-api send`."""

import io
import json
import mimetypes
import os
import sys
from pathlib import Path
from typing import BinaryIO

import click

from crypt_api.cli.delivery import Undelivered
from crypt_api.cli.error_reports import reports_errors
from crypt_api.cli.exit_codes import EXIT_CODES
from crypt_api.cli.lifetimes import Lifetime, bounds
from crypt_api.cli.passphrase_option import ask_passphrase, given_passphrase, passphrase_option
from crypt_api.cli.progress import progress
from crypt_api.cli.secret_files import given_secret
from crypt_api.cli.terminal import check_stdout, is_terminal, tell
from crypt_api.cli.times import rfc3339, shown
from crypt_api.cli.typed import typed_message
from crypt_api.client import Client, Content, Sent
from crypt_api.client.envelope import MAX_CONTENT_BYTES, check_size
from crypt_api.client.errors import Refused
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
  curl "$(crypt-api send --plain 'until noon')"

"""


@click.command(epilog=EXAMPLES + EXIT_CODES)
@click.argument("text", required=False)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send a file, with its name and type; TEXT is a note to it.",
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
    file: Path | None,
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
    """
    check_stdout()
    content = _content(text, file)
    passphrase = given_passphrase(passphrase_file)
    if ask and passphrase is None:
        passphrase = ask_passphrase(twice=True)
    if passphrase is not None and len(passphrase) < MIN_PASSPHRASE_LENGTH:
        raise click.UsageError(f"Use {MIN_PASSPHRASE_LENGTH} characters or more: a shorter passphrase is soon guessed.")
    said = ""
    with Client(server, token=given_secret(token_file, TOKEN_VARIABLE)) as client:
        if plain:
            result = _send_plain(client, server, content, ttl, is_sealed=bool(passphrase) or reads != 1)
        else:
            with progress("Sending"):
                sent = _send(client, server, content, ttl, reads, passphrase)
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
    client: Client, server: str, content: Content, ttl: int | None, reads: int, passphrase: str | None
) -> Sent:
    try:
        return client.send(content, ttl=ttl, reads=reads, passphrase=passphrase)
    except Refused as error:
        if error.code == InvalidField.code and ttl is not None and (allowed := bounds(origin_of(server))):
            raise Refused(f"A message lives {allowed} here.", error.code) from None
        raise


def _often(reads: int) -> str:
    return "once" if reads == 1 else f"{reads} times"


def _draw(link: str) -> None:
    """Draw a QR code in white on black, whatever the terminal's colours are: not every camera reads the inverse."""
    import segno  # noqa: PLC0415 - few ask for it, and it takes a while

    drawing = io.StringIO()
    segno.make(link, error="m").terminal(out=drawing, compact=True)
    for line in drawing.getvalue().splitlines():
        tell(click.style(line, fg="bright_white", bg="black"))


def _send_plain(client: Client, server: str, content: Content, ttl: int | None, *, is_sealed: bool) -> dict[str, str]:
    if is_sealed or content.name is not None:
        raise click.UsageError("--plain takes text only, read once, without a passphrase.")
    with progress("Sending"):
        message_id = client.create_plain(content.text, ttl=ttl)
    return {"link": f"{origin_of(server)}/{message_id}"}


def _read(stream: BinaryIO) -> bytes:
    """Read the stream, but not more than shows that it is too large: a pipe may never end."""
    return stream.read(MAX_CONTENT_BYTES + 1)


def _stdin() -> bytes:
    if sys.stdin is None:
        return b""
    if is_terminal(sys.stdin):
        prompt = "Type the message; end it with Enter and Ctrl-D."
        return typed_message(prompt, MAX_CONTENT_BYTES + 1).removesuffix(b"\n")
    return _read(sys.stdin.buffer)


def _note(text: str | None) -> str:
    """The text that goes with a file."""
    if text != "-":
        return text or ""
    try:
        return _stdin().decode()
    except UnicodeDecodeError:
        raise click.UsageError("The note is not text in UTF-8.") from None


def _content(text: str | None, file: Path | None) -> Content:
    if file is not None:
        note = _note(text)
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        with file.open("rb") as stream:
            name = os.fsencode(file.name).decode(errors="replace")  # on some systems, a name need not be text
            return Content(_read(stream), name=name, media_type=media_type, note=note)
    if text and text != "-":
        return Content.from_text(text)
    data = b"" if text == "" else _stdin()
    if not data:
        raise click.UsageError("There is nothing to send.")
    check_size(data)  # first: a text that is too large may have been cut within a character
    try:
        return Content.from_text(data.decode())
    except UnicodeDecodeError:
        return Content(data, name="stdin", media_type="application/octet-stream")
