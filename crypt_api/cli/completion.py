"""`crypt-api completion`."""

import click
from click.shell_completion import get_completion_class

from crypt_api.cli import main


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete this command.

    For example: eval "$(crypt-api completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the argument is one of click's own
    source = kind(main, {}, "crypt-api", "_CRYPT_API_COMPLETE").source()
    # `env` would have what is typed as its arguments, which every user of the machine sees.
    click.echo(source.replace("(env ", "("))
