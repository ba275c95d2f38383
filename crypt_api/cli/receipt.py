"""`crypt-api status` and `crypt-api burn`: what the sender does with a link."""

import json
from datetime import datetime

import click

from crypt_api.cli.common import EXIT_CODES, reports_errors, waiting
from crypt_api.client.client import Client


@click.command(epilog=EXIT_CODES)
@click.argument("link")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@reports_errors
def status(link: str, *, as_json: bool) -> None:
    """Tell what has become of the message at LINK, without reading it."""
    with Client(link) as client, waiting("Asking"):
        receipt = client.status(link)
    if as_json:
        fields = {
            "state": receipt.state,
            "passphrase": receipt.passphrase,
            "reads_left": receipt.reads_left,
            "at": receipt.at and receipt.at.isoformat().replace("+00:00", "Z"),
            "expires_at": receipt.expires_at.isoformat().replace("+00:00", "Z"),
        }
        click.echo(json.dumps(fields))
        return
    when = f" at {_local(receipt.at)}" if receipt.at else ""
    has_more = receipt.reads_left > 1 or (receipt.reads_left and receipt.state == "read")
    left = f", {receipt.reads_left} read{'s' if receipt.reads_left > 1 else ''} left" if has_more else ""
    click.echo(f"{receipt.state}{when}{left}")
    if receipt.reads_left:
        click.echo(f"It is there until {_local(receipt.expires_at)}.", err=True)


@click.command(epilog=EXIT_CODES)
@click.argument("link")
@reports_errors
def burn(link: str) -> None:
    """Destroy the message at LINK unread."""
    with Client(link) as client, waiting("Destroying"):
        client.burn(link)
    click.echo("destroyed")


def _local(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
