"""The command line: `crypt-api`. Results go to stdout, everything else to stderr. Each command has its own file."""

from difflib import get_close_matches

import click

from crypt_api.extras import MissingExtra, load

COMMANDS = {
    "send": "client",
    "read": "client",
    "status": "client",
    "burn": "client",
    "verify": "client",
    "serve": "server",
    "token": "",
    "completion": "",
}
"""Each command, whose module has the same name, and the extra that it needs."""


class Commands(click.Group):
    """Imports a command when it is used. A command whose extra is missing is listed all the same."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        try:
            module = load(f"crypt_api.cli.{cmd_name}", COMMANDS[cmd_name])
        except MissingExtra as error:
            return _uninstalled(cmd_name, str(error))
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; guess what a mistyped one was meant to be."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            guesses = get_close_matches(args[0], COMMANDS)
            if not guesses:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}. Did you mean {guesses[0]!r}?", ctx) from None


HELP = """\b
Examples:
  crypt-api serve                          the service, and its web page, on this machine
  crypt-api send                           prints a link
  crypt-api read LINK                      prints the message, once
\b
Environment:
  CRYPT_API_SERVER      the service to send to (send --server)
  CRYPT_API_PASSPHRASE  the passphrase, instead of asking for it
  CRYPT_API_TOKEN       the token, where only those who have one may send

Results go to stdout, everything else to stderr. `crypt-api COMMAND --help` tells the rest, exit codes included."""


@click.group(
    cls=Commands, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(None, "-V", "--version", package_name="crypt-api", message="%(version)s")
def main() -> None:
    """Messages that destroy themselves when they are read, or when their time is up."""


def _uninstalled(name: str, problem: str) -> click.Command:
    """Make a command that takes any arguments, and says what is not installed."""

    def fail(arguments: tuple[str, ...]) -> None:  # noqa: ARG001
        raise click.ClickException(problem)

    anything = click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)
    settings = {"ignore_unknown_options": True}
    help_text = f"Needs the extra '{COMMANDS[name]}'."
    return click.Command(name, settings, fail, [anything], short_help=help_text)
