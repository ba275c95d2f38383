"""`crypt-api token`."""

from pathlib import Path

import click

from crypt_api.cli.terminal import tell
from crypt_core.create_tokens import CreateTokens, new_token
from crypt_core.setting_values import SettingsError


@click.command()
@click.argument("label")
@click.option(
    "--add",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Add the token's hash to this file, which is given to serve --create-tokens.",
)
def token(label: str, *, add: Path | None) -> None:
    """Make a token for LABEL, a person or a program that may create messages. Metrics show the label.

    The token goes to stdout. Without --add, the line for the file goes to stderr. A running server reads the file again
    at SIGHUP.
    """
    try:
        made, line = new_token(label)
    except SettingsError as error:
        raise click.UsageError(f"{str(error).capitalize()}.") from None
    if add is None:
        tell(f"For the file of serve --create-tokens: {line}")
    else:
        _add(line, add)
    try:
        click.echo(made)
    except OSError as error:
        raise click.ClickException(f"The token could not be written ({error.strerror}). Make another one.") from None


def _add(line: str, path: Path) -> None:
    """Add the line to the file, which is made if it is not there.

    Raises:
        ClickException: The file cannot be read or written, or is no list of tokens. It is left as it is.
    """
    try:
        with path.open("a+", encoding="utf-8", newline="") as file:
            file.seek(0)
            text = file.read()
            CreateTokens.parse(text)
            separator = "" if not text or text.endswith(("\n", "\r")) else "\n"
            file.write(f"{separator}{line}\n")
    except SettingsError as error:
        raise click.ClickException(f"{path} is not a list of tokens ({error}).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} cannot be used ({type(error).__name__}).") from None
