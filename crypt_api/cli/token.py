"""`crypt-api token`."""

from pathlib import Path

import click

from crypt_core.create_tokens import new_token
from crypt_core.errors import SettingsError


@click.command()
@click.argument("label")
@click.option(
    "--add",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Add the token's hash to this file, which is given to serve --create-tokens.",
)
def token(label: str, *, add: Path | None) -> None:
    """Make a token for LABEL, a person or a program that may create messages. Metrics show the label.

    The token goes to stdout. Without --add, the line for the file goes to stderr. A running server reads the file when
    it starts again.
    """
    try:
        made, line = new_token(label)
    except SettingsError as error:
        raise click.UsageError(f"{str(error).capitalize()}.") from None
    if add is None:
        click.echo(f"For the file of serve --create-tokens: {line}", err=True)
    else:
        with add.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    click.echo(made)
