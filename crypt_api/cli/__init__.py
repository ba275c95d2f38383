"""The command line: `crypt-api`. Results go to stdout, everything else to stderr. Each command has its own file."""

import sys
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, NamedTuple

import click

from crypt_api.extras import MissingExtra, load
from crypt_core import __version__

# httpx imports a command of its own if it can, and rich with it: 100 milliseconds for nothing.
modules: dict[str, Any] = sys.modules
modules.setdefault("httpx._main", None)


class Entry(NamedTuple):
    """What is known of a command without importing it.

    Attributes:
        summary: Its line in the list of commands.
        extra: The extra that it needs.
    """

    summary: str
    extra: str = ""


COMMANDS = {
    "send": Entry("Encrypt a text or a file, store it, and print its link.", "client"),
    "read": Entry("Read the message at LINK.", "client"),
    "ask": Entry("Ask somebody for a secret: print the link to answer.", "client"),
    "answer": Entry("Answer the question at LINK, for its asker alone.", "client"),
    "status": Entry("Tell what has become of a message.", "client"),
    "burn": Entry("Destroy the message at LINK unread.", "client"),
    "verify": Entry("Check that a service's web page is the one that this version ships.", "client"),
    "mcp": Entry("Let an agent ask for secrets, and send files, without seeing them.", "mcp"),
    "serve": Entry("Run the service on this machine.", "server"),
    "token": Entry("Make a token for somebody who may send messages."),
    "completion": Entry("Print the script that lets SHELL complete this command."),
}
"""Each command, whose module has the same name."""

_LIBRARIES = {"client": "httpx", "server": "httptools", "mcp": "mcp"}
"""A library of each extra: if it is not there, the extra is not installed."""


class Commands(click.Group):
    """Imports a command when it is used. A command whose extra is missing is listed all the same."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        try:
            module = load(f"crypt_api.cli.{cmd_name}", COMMANDS[cmd_name].extra)
        except MissingExtra as error:
            return _uninstalled(cmd_name, str(error))
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands. Click itself would import each of them, which takes half a second."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _line(entry)) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; guess what a mistyped one was meant to be."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            guesses = get_close_matches(args[0], COMMANDS)
            if not guesses:  # not quoted: it may be a link
                raise click.UsageError("There is no such command.", ctx) from None
            raise click.UsageError(f"{error.message.rstrip('.')}. Did you mean {guesses[0]!r}?", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Quote no argument that is in the wrong place: it may be a link, or a text, or a part of one."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            text = "There is no such option. Put -- before a text that begins with -."
            raise click.UsageError(text, error.ctx) from None
        except click.UsageError as error:
            if not error.message.startswith("Got unexpected extra argument"):
                raise
            text = "There are more arguments than this command takes. Put a text or a link in quotes."
            raise click.UsageError(text, error.ctx) from None


HELP = """\b
Examples:
  crypt-api serve                          the service, and its web page, on this machine
  crypt-api send                           prints a link
  crypt-api read LINK                      prints the message, once
  crypt-api ask "The password?" --wait     prints a link, and then what somebody answers
\b
Environment:
  CRYPT_API_SERVER      the service to send to (send, ask, mcp --server)
  CRYPT_API_PASSPHRASE  the passphrase, instead of asking for it
  CRYPT_API_TOKEN       the token, where only those who have one may send
\b
Exit codes:
  0  done
  2  a mistake on the command line, in the link, in the service's address or in the environment
  3  no such message: never there, expired, or destroyed
  4  the message was read before
  5  a passphrase is missing, wrong, or not expected
  6  the service refused the request, or asks to wait
  7  the service cannot be reached, or its storage is down
  8  the message was damaged or forged
  9  the result could not be written; stderr says where it is
  10  the web page is not the one that this version ships (verify)
  130  interrupted; stderr says what may have been done

Results go to stdout, everything else to stderr. `crypt-api COMMAND --help` tells the rest."""


@click.group(
    cls=Commands, epilog=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", message="%(version)s")
def main() -> None:
    """Messages that destroy themselves when they are read, or when their time is up."""


def _uninstalled(name: str, problem: str) -> click.Command:
    """Make a command that takes any arguments, and says what is not installed."""

    def fail(arguments: tuple[str, ...]) -> None:  # noqa: ARG001
        raise click.ClickException(problem)

    anything = click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)
    settings = {"ignore_unknown_options": True}
    return click.Command(name, settings, fail, [anything], help=problem, short_help=_line(COMMANDS[name]))


def _line(entry: Entry) -> str:
    """The command in the list of commands."""
    if entry.extra and find_spec(_LIBRARIES[entry.extra]) is None:
        return f"Needs the extra '{entry.extra}'."
    return entry.summary
