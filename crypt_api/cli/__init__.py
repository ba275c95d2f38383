"""The command line: `crypt-api`. Results go to stdout, everything else to stderr."""

from importlib import import_module

import click
from click.shell_completion import get_completion_class

COMMANDS = {
    "send": ("crypt_api.cli.send", "client"),
    "read": ("crypt_api.cli.read", "client"),
    "status": ("crypt_api.cli.receipt", "client"),
    "burn": ("crypt_api.cli.receipt", "client"),
    "serve": ("crypt_api.cli.serve", "server"),
    "completion": ("crypt_api.cli", ""),
}
"""Each command's module, loaded when it is used, and the extra that it needs."""


class LazyGroup(click.Group):
    """Commands that cost, and need, nothing until they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, extra = COMMANDS[cmd_name]
        try:
            command: click.Command = getattr(import_module(module), cmd_name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("crypt_"):
                raise
            return _uninstalled(cmd_name, extra)
        return command


HELP = """\b
Examples:
  crypt-api serve                          the service, and its web page, on this machine
  crypt-api send                           prints a link
  crypt-api read LINK                      prints the message, once
\b
Environment:
  CRYPT_API_SERVER      the service to send to (send --server)
  CRYPT_API_PASSPHRASE  the passphrase, instead of asking for it

Results go to stdout, everything else to stderr. `crypt-api COMMAND --help` tells the rest, exit codes included."""


@click.group(
    cls=LazyGroup, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="crypt-api", message="%(version)s")
def main() -> None:
    """Messages that destroy themselves when they are read, or when their time is up."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete this command.

    Such as: eval "$(crypt-api completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the argument is one of click's own
    click.echo(kind(main, {}, "crypt-api", "_CRYPT_API_COMPLETE").source())


def _uninstalled(name: str, extra: str) -> click.Command:
    @click.command(name, context_settings={"ignore_unknown_options": True}, short_help=f"Needs the extra '{extra}'.")
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:  # noqa: ARG001
        raise click.ClickException(f"'{name}' needs the extra '{extra}', without which crypt-api was installed.")

    return command
