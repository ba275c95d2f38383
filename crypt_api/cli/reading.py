"""Reading a message, putting it where it is wanted, and only then acknowledging it: of large files, too."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import click

from crypt_api.cli.delivery import Undelivered, as_json_text, rescues
from crypt_api.cli.exit_codes import INTERRUPTED
from crypt_api.cli.passphrase_option import ask_passphrase
from crypt_api.cli.places import Delivered, Place, saved_as
from crypt_api.cli.progress import progress, transfer
from crypt_api.cli.terminal import tell, visible
from crypt_api.cli.typed import can_ask
from crypt_api.cli.unfinished_downloads import Unfinished
from crypt_api.client import Client, Message
from crypt_api.client.errors import BadEnvelope, CryptApiError, PartMissing, PassphraseRequired, WrongPassphrase
from crypt_api.client.links import parse_link


def read_to(client: Client, link: str, passphrase: str | None, place: Place, *, as_json: bool) -> None:
    """Read the message at `link`, or go on with an interrupted download of its files to this place.

    Raises:
        Undelivered: The message has several files, and the place takes one. They are saved in this folder.
    """
    delivered = place.begun(parse_link(link).address)
    if delivered is None:
        place.reserve()
        delivered = _deliver(client, link, passphrase, place, as_json=as_json)
    paths = delivered.paths
    if delivered.unfinished is not None:
        paths = finish(client, delivered.unfinished, as_json=as_json)
    if delivered.is_elsewhere:
        raise Undelivered(f"The message has {len(paths)} files, and stdout takes one. They are saved in this folder.")


def finish(client: Client, unfinished: Unfinished, *, as_json: bool) -> list[Path]:
    """Fetch the files of a message that is acknowledged already; give their paths."""
    with unfinished.locked():
        return _finish_locked(client, unfinished, as_json=as_json)


def _finish_locked(client: Client, unfinished: Unfinished, *, as_json: bool) -> list[Path]:
    message = client.resume(unfinished.ticket)
    if len(message.files) != len(unfinished.paths):
        raise BadEnvelope(f"{unfinished.state} is damaged.")
    try:
        with transfer("Fetching") as report:
            paths = unfinished.finish(message, report)
        click.echo(as_json_text(message, paths) if as_json else saved_as(paths), err=not as_json)
    except OSError as error:
        raise Undelivered(
            f"The files could not be written ({error.strerror}). {unfinished.resuming} goes on."
        ) from None
    except (PartMissing, BadEnvelope):
        state = visible(str(unfinished.state), lines=False)
        click.echo(f"{state} remembers the download: remove it, and the .part files, to give up.", err=True)
        raise
    except (CryptApiError, KeyboardInterrupt):
        _tell_kept(unfinished)
        raise
    unfinished.forget()
    try:
        with progress("Deleting the parts"):
            message.delete_parts()
    except KeyboardInterrupt:
        _end_interrupted()
    return paths


def _deliver(client: Client, link: str, passphrase: str | None, place: Place, *, as_json: bool) -> Delivered:
    """Read the message, write it, and acknowledge it; of large files, only what they can be fetched with."""
    delivered, is_delivered = Delivered(), False
    try:
        with ExitStack() as until_delivered:
            message = _open(client, link, passphrase, until_delivered)
            with rescues(message, parse_link(link).address):
                if message.files and message.text and not as_json:
                    tell(visible(message.text))
                if message.files or not as_json:
                    delivered = place.deliver(message, parse_link(link).address)
                if as_json and delivered.unfinished is None:
                    click.echo(as_json_text(message, delivered.paths))
            is_delivered = delivered.unfinished is None
            if delivered.said and not as_json:
                tell(delivered.said)
    except KeyboardInterrupt:
        if delivered.unfinished is not None:
            _tell_kept(delivered.unfinished)
        if not is_delivered:
            raise
        _end_interrupted()
    return delivered


def _tell_kept(unfinished: Unfinished) -> None:
    tell(f"What was fetched is kept. {unfinished.resuming} goes on.")


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
