"""`crypt-api read`."""

import json
import os
import sys
import tempfile
from base64 import b64encode
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import click

from crypt_api.cli.common import EXIT_CODES, client_of, given_passphrase, passphrase_options, reports_errors, waiting
from crypt_api.envelope import Content
from crypt_api.errors import PassphraseRequired, WrongPassphrase


@click.command(epilog=EXIT_CODES)
@click.argument("link")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to a file.")
@click.option("--force", is_flag=True, help="Overwrite that file.")
@passphrase_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with a file's name and type.")
@reports_errors
def read(link: str, *, output: Path | None, force: bool, passphrase_file: Path | None, as_json: bool) -> None:
    """Read the message at LINK, and destroy it there.

    Text goes to stdout. So does a file, unless that is a terminal: then it is saved here under its name, never
    over another.
    """
    if output is not None:
        _check_writable(output, force=force)  # before anything is destroyed
    content = _fetch(link, given_passphrase(passphrase_file))
    if output is not None:
        _write(output, content.data)
        click.echo(f"Saved as {output}.", err=True)
    elif as_json:
        click.echo(json.dumps(_as_json(content)))
    elif content.name is not None and sys.stdout.isatty():
        path = _free_name(content.name)
        _write(path, content.data)
        click.echo(f"It was a file: saved as {path}.", err=True)
    else:
        click.echo(content.data, nl=sys.stdout.isatty())


def _fetch(link: str, passphrase: str | None) -> Content:
    url = urlsplit(link)
    with client_of(link) as client:
        if not url.fragment and url.path.strip("/"):  # a plain message's link
            with waiting("Reading"):
                return Content.from_text(client.fetch(url.path.strip("/")))
        while True:
            try:
                with waiting("Reading"):
                    return client.read(link, passphrase=passphrase)
            except (PassphraseRequired, WrongPassphrase) as error:
                if not sys.stdin.isatty() or (isinstance(error, WrongPassphrase) and error.tries_left == 0):
                    raise
                click.echo(str(error), err=True)
                passphrase = click.prompt("Passphrase", hide_input=True, err=True)


def _as_json(content: Content) -> dict[str, str | None]:
    if content.name is None:
        return {"text": content.text}
    return {"name": content.name, "media_type": content.media_type, "data_base64": b64encode(content.data).decode()}


def _check_writable(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists. --force overwrites it.")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise click.UsageError(f"{path} cannot be written.")


def _write(path: Path, data: bytes) -> None:
    """Write all of it or nothing, readable for its owner only."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)


def _free_name(name: str) -> Path:
    """The sender's name for the file, without a folder, without a trick, and not yet taken here."""
    printable = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).lstrip(".")
    path = Path(printable or "message")
    for number in count(2):
        if not path.exists():
            return path
        path = path.with_name(f"{Path(printable or 'message').stem}-{number}{path.suffix}")
    raise AssertionError  # pragma: no cover
